#include "cpython/pool_functions.h"

#include <frameobject.h>  // up to 3.10 not in Python.h
#include <string.h>

#include <string_view>

#include "cpython/block_sampling.h"
#include "cpython/request_object.h"
#include "engine/connections.h"

namespace heapledger::cpython {
namespace {

Engine& books() noexcept { return engine::engine(); }

PyObject* expected(const char* what) {
  PyErr_SetString(PyExc_TypeError, what);
  return nullptr;
}

// None: not set.
bool read_setting(PyObject* given, std::int64_t& value) noexcept {
  if (given == Py_None) return true;
  const long long number = PyLong_AsLongLong(given);
  if (number == -1 && PyErr_Occurred() != nullptr) return false;
  value = number;
  return true;
}

PyObject* file_of(const PythonFrame& frame) noexcept {
  return static_cast<const PyCodeObject*>(frame.code)->co_filename;
}

// How much of a file's name is its folder; 0: its letters take more than a byte each.
std::size_t folder_bytes(PyObject* file) noexcept {
  if (!PyUnicode_Check(file) || PyUnicode_IS_COMPACT_ASCII(file) == 0) return 0;
  const std::string_view name{static_cast<const char*>(PyUnicode_DATA(file)),
                              static_cast<std::size_t>(PyUnicode_GET_LENGTH(file))};
  return name.rfind('/') + 1;  // npos + 1 is 0
}

// The frames of one walk without those of the adapters: whatever lies in the folder of the function that called.
std::size_t without_adapters(PythonFrame* frames, std::size_t count) noexcept {
  PyObject* own = count == 0 ? nullptr : file_of(frames[0]);
  const std::size_t folder = own == nullptr ? 0 : folder_bytes(own);
  std::size_t kept = 0;
  for (std::size_t i = 1; i < count; ++i) {
    PyObject* file = file_of(frames[i]);
    const bool same = file == own || (folder != 0 && folder_bytes(file) == folder &&
                                      memcmp(PyUnicode_DATA(file), PyUnicode_DATA(own), folder) == 0);
    if (!same) frames[kept++] = frames[i];
  }
  return kept;
}

// A frame that waits, of another stack (a greenlet's parent), and those above it. Each is held by the one below.
std::size_t add_waiting(PyObject* frame, PythonFrame* frames, std::size_t count, std::size_t most) noexcept {
  for (Py_XINCREF(frame); frame != nullptr && PyFrame_Check(frame) && count < most;) {
    PyObject* instruction = PyObject_GetAttrString(frame, "f_lasti");
    const long at = instruction == nullptr ? -1 : PyLong_AsLong(instruction);
    Py_XDECREF(instruction);
    PyCodeObject* code = PyFrame_GetCode(reinterpret_cast<PyFrameObject*>(frame));
    if (at >= 0) frames[count++] = {code, static_cast<std::int32_t>(at)};
    Py_DECREF(code);
    PyObject* above = reinterpret_cast<PyObject*>(PyFrame_GetBack(reinterpret_cast<PyFrameObject*>(frame)));
    Py_DECREF(frame);
    frame = above;
  }
  Py_XDECREF(frame);
  PyErr_Clear();
  return count;
}

// Whose request runs here, and where: above the adapters' functions. `waiting`: the frame that this stack's end goes on
// with, or None.
engine::PoolCaller caller(PyObject* waiting) noexcept {
  constexpr std::size_t kMost = ledger::kStackPlaces;
  PythonFrame frames[kMost];
  bool truncated = false;
  engine::PoolCaller caller;
  caller.request = running_request();
  std::size_t depth = without_adapters(frames, walk_stack(PyThreadState_Get(), frames, kMost, truncated));
  if (waiting != nullptr && PyFrame_Check(waiting)) depth = add_waiting(waiting, frames, depth, kMost);
  const engine::Hold hold(books());
  if (hold) caller.stack = stack_of(books(), frames, depth, truncated || depth == kMost);
  return caller;
}

// Negative: it was not measured.
bool read_wait(PyObject* given, std::uint64_t& wait_ns) noexcept {
  const long long number = PyLong_AsLongLong(given);
  if (number == -1 && PyErr_Occurred() != nullptr) return false;
  wait_ns = number < 0 ? engine::kNotWaited : static_cast<std::uint64_t>(number);
  return true;
}

using Step = void (*)(Engine&, engine::Scope) noexcept;

PyObject* step(PyObject* connection, Step step) {
  if (connection != Py_None && !is_request(connection)) return expected("a connection, or None, is expected");
  if (connection != Py_None) step(books(), scope_of(connection));
  Py_RETURN_NONE;
}

void close_by_pool(Engine& e, engine::Scope connection) noexcept { engine::close_connection(e, connection, false); }

}  // namespace

PyObject* pool_describe(PyObject*, PyObject* arguments) {
  const char *name = nullptr, *library = nullptr, *settings = nullptr;
  Py_ssize_t name_bytes = 0, library_bytes = 0, settings_bytes = 0;
  PyObject *min_size = nullptr, *max_size = nullptr, *overflow = nullptr, *timeout = nullptr, *recycle = nullptr;
  if (PyArg_ParseTuple(arguments, "s#s#s#OOOOO", &name, &name_bytes, &library, &library_bytes, &settings,
                       &settings_bytes, &min_size, &max_size, &overflow, &timeout, &recycle) == 0) {
    return nullptr;
  }
  const auto view = [](const char* text, Py_ssize_t bytes) {
    return std::string_view{text, static_cast<std::size_t>(bytes)};
  };
  engine::PoolDescription pool;
  pool.name = view(name, name_bytes);
  pool.library = view(library, library_bytes);
  pool.settings = view(settings, settings_bytes);
  const bool read = read_setting(min_size, pool.min_size) && read_setting(max_size, pool.max_size) &&
                    read_setting(overflow, pool.max_overflow) && read_setting(timeout, pool.timeout_us) &&
                    read_setting(recycle, pool.recycle_us);
  return read ? PyLong_FromUnsignedLong(engine::describe_pool(books(), pool)) : nullptr;
}

PyObject* pool_connect(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (count < 1 || count > 3)
    return expected("pool_connect(pool[, what it ends with[, its end is unseen]]) is expected");
  const unsigned long id = PyLong_AsUnsignedLong(arguments[0]);
  if (id == static_cast<unsigned long>(-1) && PyErr_Occurred() != nullptr) return nullptr;
  const engine::Scope scope =
      engine::begin_connection(books(), static_cast<std::uint32_t>(id & 0xFFFFFFFFU), running_request());
  PyObject* token = scope.generation == 0 ? nullptr : new_token(scope);
  if (token != nullptr) {
    PyObject* life = count > 1 && arguments[1] != Py_None ? arguments[1] : nullptr;
    tie_connection(token, life, count > 2 && arguments[2] == Py_True);
    return token;
  }
  engine::fail_connection(books(), scope);
  Py_RETURN_NONE;
}

PyObject* pool_connected(PyObject*, PyObject* connection) { return step(connection, engine::connected); }
PyObject* pool_checkin(PyObject*, PyObject* connection) { return step(connection, engine::check_in); }
PyObject* pool_invalidate(PyObject*, PyObject* connection) {
  if (is_request(connection)) tie_connection(connection, nullptr, true);  // its pool may just drop it now
  return step(connection, engine::invalidate_connection);
}
PyObject* pool_detach(PyObject*, PyObject* connection) { return step(connection, engine::detach_connection); }
PyObject* pool_close(PyObject*, PyObject* connection) { return step(connection, close_by_pool); }
PyObject* pool_lose(PyObject*, PyObject* connection) { return step(connection, engine::mark_orphan); }

PyObject* pool_checkout(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  std::uint64_t wait_ns = 0;
  if (count != 2 && count != 3) return expected("pool_checkout(connection, wait in ns[, frame]) is expected");
  if (!read_wait(arguments[1], wait_ns)) return nullptr;
  if (!is_request(arguments[0])) Py_RETURN_NONE;
  if (engine::is_connection(books(), scope_of(arguments[0]))) {
    engine::check_out(books(), scope_of(arguments[0]), wait_ns, caller(count == 3 ? arguments[2] : nullptr));
  }
  Py_RETURN_NONE;
}

PyObject* pool_timeout(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  std::uint64_t wait_ns = 0;
  if (count != 2) return expected("pool_timeout(pool, wait in ns) is expected");
  const unsigned long pool = PyLong_AsUnsignedLong(arguments[0]);
  if (PyErr_Occurred() != nullptr || !read_wait(arguments[1], wait_ns)) return nullptr;
  engine::pool_timed_out(books(), static_cast<std::uint32_t>(pool & 0xFFFFFFFFU), wait_ns, caller(nullptr));
  Py_RETURN_NONE;
}

PyObject* pool_waiting(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 2) return expected("pool_waiting(pool, by how many more) is expected");
  const unsigned long pool = PyLong_AsUnsignedLong(arguments[0]);
  const long by = PyErr_Occurred() == nullptr ? PyLong_AsLong(arguments[1]) : 0;
  if (PyErr_Occurred() != nullptr) return nullptr;
  engine::pool_waiters_changed(books(), static_cast<std::uint32_t>(pool & 0xFFFFFFFFU), static_cast<std::int32_t>(by));
  Py_RETURN_NONE;
}

}  // namespace heapledger::cpython
