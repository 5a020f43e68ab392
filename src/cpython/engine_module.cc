// The extension module heapledger._engine: the hot functions by CPython's own calling convention, so that a request
// costs a handful of calls and no allocation of ours. Its Python face is described in python/heapledger/_engine.pyi.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <utility>

#include "cpython/alloc_hooks.h"
#include "cpython/current_owner.h"
#include "cpython/import_watch.h"
#include "cpython/marked_calls.h"
#include "cpython/marks_functions.h"
#include "cpython/native_hooks.h"
#include "cpython/numbered_phase.h"
#include "cpython/pool_functions.h"
#include "cpython/request_object.h"
#include "engine/audit.h"
#include "engine/owners.h"
#include "engine/phases.h"
#include "engine/switch.h"

namespace heapledger::cpython {
namespace {

RuleFound g_rule{BlockRule::kPools, 9, ""};

Engine& books() noexcept { return engine::engine(); }

// The interpreter's version without what follows it: "3.11.2".
const char* python_version() noexcept {
  static char version[32];
  const char* full = Py_GetVersion();
  const std::size_t length = strcspn(full, " ");
  memcpy(version, full, length < sizeof(version) ? length : sizeof(version) - 1);
  return version;
}

PyObject* module_start(PyObject*, PyObject* argument) {
  const char* run_dir = PyUnicode_AsUTF8(argument);
  if (run_dir == nullptr) return nullptr;
  if (books().active || books().frozen) return PyBool_FromLong(books().frozen ? 0 : 1);
  if (!prepare_request_type() || !make_owner_variable() || !install_import_watch()) return nullptr;
  g_rule = find_rule();
  engine::StartOptions options;
  options.run_dir = run_dir;
  options.python = python_version();
  options.rule = g_rule.name;
  options.granule_shift = g_rule.granule_shift;
  const NativeFound native = find_native();
  options.native = native.allocator;
  options.native_granule_shift = native.granule_shift;
  options.allocator = native.name;
  if (!engine::start(books(), options)) Py_RETURN_FALSE;
  if (native.granule_shift != 0) probe_native();
  if (!native_is_seen()) engine::close_native(books());
  install_hooks(g_rule);
  if (!hooks_are_reached()) {
    engine::close_books(books(), "the allocation hooks are not reached");
    Py_RETURN_FALSE;
  }
  Py_RETURN_TRUE;
}

PyObject* module_freeze(PyObject*, PyObject*) {
  if (books().active && !books().frozen && !hooks_are_reached()) engine::mark_displaced(books());
  engine::freeze(books());
  Py_RETURN_NONE;
}

PyObject* module_status(PyObject*, PyObject*) {
  const Engine& e = books();
  const ledger::Header& header = e.ledger.header;
  const auto count = [](const std::atomic<std::uint64_t>& value) {
    return static_cast<unsigned long long>(value.load(std::memory_order_relaxed));
  };
  return Py_BuildValue(
      "{s:O,s:s,s:s,s:s,s:O,s:s,s:O,s:K,s:K,s:K,s:K,s:K,s:K,s:I,s:K,s:k}", "active",
      e.active && !e.frozen ? Py_True : Py_False, "reason", e.off_reason == nullptr ? "" : e.off_reason, "rule",
      header.rule, "ledger_path", e.ledger_path, "native", header.native != 0 ? Py_True : Py_False, "allocator",
      header.allocator, "displaced", count(header.displaced_unix_ns) != 0 ? Py_True : Py_False, "started_requests",
      count(header.started_requests), "finished_requests", count(header.finished_requests), "dropped_requests",
      count(header.dropped_requests), "approximate_requests", count(header.approximate_requests), "untracked_blocks",
      count(header.untracked_blocks), "foreign_blocks", count(header.foreign_blocks), "in_flight",
      header.in_flight.load(std::memory_order_relaxed), "lost_frees", static_cast<unsigned long long>(e.lost_frees),
      "failed_import_callbacks", failed_import_callbacks());
}

PyObject* module_audit(PyObject*, PyObject*) {
  const engine::Audit found = engine::audit(books());
  return Py_BuildValue(
      "{s:K,s:K,s:K,s:K,s:i,s:K,s:K}", "walked_bytes", static_cast<unsigned long long>(found.walked_bytes),
      "counted_bytes", static_cast<unsigned long long>(found.counted_bytes), "blocks",
      static_cast<unsigned long long>(found.blocks), "mismatches", static_cast<unsigned long long>(found.mismatches),
      "first_mismatch", static_cast<int>(found.first_mismatch), "first_walked_bytes",
      static_cast<unsigned long long>(found.first_walked_bytes), "first_counted_bytes",
      static_cast<unsigned long long>(found.first_counted_bytes));
}

PyObject* module_adopt(PyObject*, PyObject* body) {
  // Shorter ones are shared constants of the interpreter.
  if (PyBytes_CheckExact(body) && PyBytes_GET_SIZE(body) > 1) adopt_block(body);
  Py_RETURN_NONE;
}

PyObject* module_intern_endpoint(PyObject*, PyObject* arguments) {
  const char *method = nullptr, *route = nullptr, *version = nullptr;
  Py_ssize_t method_bytes = 0, route_bytes = 0, version_bytes = 0;
  int deprecated = 0;
  if (PyArg_ParseTuple(arguments, "s#s#s#p", &method, &method_bytes, &route, &route_bytes, &version, &version_bytes,
                       &deprecated) == 0) {
    return nullptr;
  }
  const auto view = [](const char* text, Py_ssize_t bytes) {
    return std::string_view{text, static_cast<std::size_t>(bytes)};
  };
  const engine::EndpointName name{view(method, method_bytes), view(route, route_bytes), view(version, version_bytes),
                                  deprecated != 0};
  return PyLong_FromUnsignedLong(engine::intern_endpoint(books(), name).raw());
}

// note_body_limit(setting, bytes or None): False when there is no room for it.
PyObject* module_note_body_limit(PyObject*, PyObject* arguments) {
  const char* setting = nullptr;
  Py_ssize_t setting_bytes = 0;
  PyObject* limit = nullptr;
  if (PyArg_ParseTuple(arguments, "s#O", &setting, &setting_bytes, &limit) == 0) return nullptr;
  const unsigned long long bytes = limit == Py_None ? ledger::kNoBodyLimit : PyLong_AsUnsignedLongLong(limit);
  if (PyErr_Occurred() != nullptr) return nullptr;
  const std::string_view name{setting, static_cast<std::size_t>(setting_bytes)};
  return PyBool_FromLong(engine::note_body_limit(books(), engine::EndpointId{0}, name, bytes) ? 1 : 0);
}

PyObject* module_set_server(PyObject*, PyObject* argument) {
  const char* name = PyUnicode_AsUTF8(argument);
  if (name == nullptr) return nullptr;
  strncpy(books().ledger.header.server, name, sizeof(ledger::Header::server) - 1);
  Py_RETURN_NONE;
}

// "polars, pyarrow" in the header; a name that finds no room is left out.
PyObject* module_note_unseen(PyObject*, PyObject* argument) {
  const char* name = PyUnicode_AsUTF8(argument);
  if (name == nullptr) return nullptr;
  char(&list)[sizeof(ledger::Header::unseen)] = books().ledger.header.unseen;
  const std::size_t used = strnlen(list, sizeof(list));
  if (strstr(list, name) == nullptr && used + strlen(name) + 3 < sizeof(list)) {
    snprintf(list + used, sizeof(list) - used, "%s%s", used == 0 ? "" : ", ", name);
  }
  Py_RETURN_NONE;
}

// As a child inherits it: os.environ does not have what os.putenv and C code put there. The GIL is held, as Python's
// own changes need it.
PyObject* module_environment(PyObject*, PyObject*) {
  PyObject* entries = PyList_New(0);
  if (entries == nullptr || environ == nullptr) return entries;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    PyObject* text = PyBytes_FromString(*entry);
    const bool added = text != nullptr && PyList_Append(entries, text) == 0;
    Py_XDECREF(text);
    if (!added) {
      Py_DECREF(entries);
      return nullptr;
    }
  }
  return entries;
}

template <typename Function>
PyCFunction as_method(Function function) noexcept {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function));
}

PyMethodDef g_methods[] = {
    {"start", module_start, METH_O, "Install the hooks and open this process's ledger in a folder."},
    {"status", module_status, METH_NOARGS, "What is on, and the counters."},
    {"freeze", module_freeze, METH_NOARGS, "Stop the books for good."},
    {"audit", module_audit, METH_NOARGS, "Walk the block map and compare it with the counters."},
    {"begin", request_begin, METH_NOARGS, "Open a request and make it this context's owner."},
    {"end", as_method(request_end), METH_FASTCALL, "The response is out."},
    {"discard", request_discard, METH_O, "Write no row for this request."},
    {"enter", request_enter, METH_O, "Make it this context's owner, until restore()."},
    {"restore", request_restore, METH_O, "Restore the previous owner, before a later leave()."},
    {"leave", request_leave, METH_O, "Restore the previous owner and write the request's row."},
    {"enter_phase", as_method(request_enter_phase), METH_FASTCALL, "Mark a phase of this request from here on."},
    {"leave_phase", as_method(request_leave_phase), METH_FASTCALL, "Undo what enter_phase returned."},
    {"begin_sending", request_begin_sending, METH_O, "The response is on its way."},
    {"mark", mark, METH_VARARGS, "Its calls are a phase of the request that calls."},
    {"current", request_current, METH_NOARGS, "The open request that runs here, or None."},
    {"run_with", as_method(request_run_with), METH_FASTCALL | METH_KEYWORDS, "Call a function under a request."},
    {"adopt", module_adopt, METH_O, "Re-own a bytes object's block to the running request."},
    {"intern_endpoint", module_intern_endpoint, METH_VARARGS, "Id of an endpoint."},
    {"note_body_limit", module_note_body_limit, METH_VARARGS, "How large a request body may be by a setting."},
    {"note_end_of_life", note_end_of_life, METH_VARARGS, "What an endpoint's responses say of its end."},
    {"enter_compat", enter_compat, METH_NOARGS, "Figures of the current request, None outside of any."},
    {"leave_compat", leave_compat, METH_VARARGS, "Charge what the request took since then to a name."},
    {"set_server", module_set_server, METH_O, "Name of the server in front."},
    {"note_unseen", module_note_unseen, METH_O, "A package with an allocator of its own is loaded."},
    {"environment", module_environment, METH_NOARGS, "The entries of the environment that a child inherits."},
    {"pool_describe", pool_describe, METH_VARARGS, "Id of a connection pool."},
    {"pool_connect", as_method(pool_connect), METH_FASTCALL, "Begin to make a connection."},
    {"pool_connected", pool_connected, METH_O, "It is made."},
    {"pool_checkout", as_method(pool_checkout), METH_FASTCALL, "Somebody takes a connection."},
    {"pool_checkin", pool_checkin, METH_O, "It was given back."},
    {"pool_invalidate", pool_invalidate, METH_O, "It was found not to work."},
    {"pool_detach", pool_detach, METH_O, "It is its holder's now."},
    {"pool_close", pool_close, METH_O, "It was closed."},
    {"pool_lose", pool_lose, METH_O, "Its pool knows nothing of it any more."},
    {"pool_timeout", as_method(pool_timeout), METH_FASTCALL, "No connection came in time."},
    {"pool_waiting", as_method(pool_waiting), METH_FASTCALL, "So many more wait for a connection."},
    {"on_import", as_method(watch_import), METH_FASTCALL, "Call back once a module is imported."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef g_module = {PyModuleDef_HEAD_INIT,
                        "_engine",
                        "The engine inside this process.",
                        -1,
                        g_methods,
                        nullptr,
                        nullptr,
                        nullptr,
                        nullptr};

bool add_phases(PyObject* module) noexcept {
  const std::pair<const char*, long> phases[] = {{"READ", static_cast<long>(ledger::Phase::kRead)},
                                                 {"READ_WHOLE", kReadWhole},
                                                 {"DESERIALIZE_WHOLE", kDeserializeWhole},
                                                 {"DESERIALIZE", static_cast<long>(ledger::Phase::kDeserialize)},
                                                 {"HANDLE", static_cast<long>(ledger::Phase::kHandle)},
                                                 {"SERIALIZE", static_cast<long>(ledger::Phase::kSerialize)}};
  for (const auto& [name, phase] : phases) {
    if (PyModule_AddIntConstant(module, name, phase) != 0) return false;
  }
  return true;
}

}  // namespace
}  // namespace heapledger::cpython

PyMODINIT_FUNC PyInit__engine() {  // NOLINT(bugprone-reserved-identifier): CPython's name for it
  using namespace heapledger;      // NOLINT(google-build-using-namespace): the one place that names them all
  if (!cpython::prepare_request_type()) return nullptr;
  PyObject* module = PyModule_Create(&cpython::g_module);
  if (module == nullptr) return nullptr;
  const bool done = PyModule_AddObjectRef(module, "Request", reinterpret_cast<PyObject*>(&cpython::RequestType)) == 0 &&
                    cpython::add_phases(module) &&
                    PyModule_AddStringConstant(module, "UNMATCHED", "<unmatched>") == 0 &&
                    PyModule_AddIntConstant(module, "APPROXIMATE", ledger::kRequestApproximate) == 0 &&
                    PyModule_AddIntConstant(module, "RAISED", ledger::kRequestRaised) == 0 &&
                    PyModule_AddIntConstant(module, "STREAMED_IN", ledger::kRequestStreamedIn) == 0 &&
                    PyModule_AddIntConstant(module, "STREAMED_OUT", ledger::kRequestStreamedOut) == 0 &&
                    PyModule_AddIntConstant(module, "DISCONNECTED", ledger::kRequestDisconnected) == 0;
  if (!done) Py_CLEAR(module);
  return module;
}
