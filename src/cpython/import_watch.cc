#include "cpython/import_watch.h"

#include <string_view>

#include "cpython/current_owner.h"
#include "engine/owners.h"

namespace heapledger::cpython {
namespace {

PyObject* g_find_and_load = nullptr;  // the interpreter's own
PyObject* g_watchers = nullptr;       // dict: module name -> callback
unsigned long g_failed_callbacks = 0;

// The import owner of `name`'s top-level module, 0 when it cannot be told.
std::uint16_t owner_for_import(Engine& e, PyObject* name) noexcept {
  if (!e.active || e.frozen || !PyUnicode_Check(name)) return 0;
  Py_ssize_t bytes = 0;
  const char* data = PyUnicode_AsUTF8AndSize(name, &bytes);
  if (data == nullptr) {
    PyErr_Clear();
    return 0;
  }
  const std::string_view full{data, static_cast<std::size_t>(bytes)};
  return engine::import_owner(e, full.substr(0, full.find('.'))).raw();
}

class ImportScope {
 public:
  ImportScope(Engine& e, std::uint16_t owner) noexcept : engine_(e), before_(t_owner.import_owner) {
    if (owner != 0) enter(owner);
  }
  ~ImportScope() { enter(before_); }
  ImportScope(const ImportScope&) = delete;
  ImportScope& operator=(const ImportScope&) = delete;

 private:
  void enter(std::uint16_t owner) noexcept {
    t_owner.import_owner = owner;
    forget_answer(engine_);
  }
  Engine& engine_;
  std::uint16_t before_;
};

// Callbacks are ours (adapters): whatever they raise stays here.
void call_back(PyObject* callback, PyObject* module) noexcept {
  PyObject* result = PyObject_CallOneArg(callback, module);
  if (result == nullptr) {
    PyErr_Clear();
    ++g_failed_callbacks;
  }
  Py_XDECREF(result);
}

void tell_watcher(PyObject* name, PyObject* module) noexcept {
  if (PyDict_GET_SIZE(g_watchers) == 0 || !PyUnicode_CheckExact(name)) return;
  PyObject* callback = PyDict_GetItemWithError(g_watchers, name);
  if (callback == nullptr) {
    PyErr_Clear();
    return;
  }
  Py_INCREF(callback);
  if (PyDict_DelItem(g_watchers, name) != 0) PyErr_Clear();
  call_back(callback, module);
  Py_DECREF(callback);
}

PyObject* find_and_load(PyObject*, PyObject* const* arguments, Py_ssize_t count, PyObject* names) {
  Engine& e = engine::engine();
  PyObject* module = nullptr;
  {
    const ImportScope scope(e, count > 0 ? owner_for_import(e, arguments[0]) : std::uint16_t{0});
    module = PyObject_Vectorcall(g_find_and_load, arguments, static_cast<std::size_t>(count), names);
    if (module != nullptr && count > 0) tell_watcher(arguments[0], module);
  }
  return module;
}

PyMethodDef g_definition = {"_find_and_load", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(find_and_load)),
                            METH_FASTCALL | METH_KEYWORDS, "Find and load the module."};

}  // namespace

bool install_import_watch() noexcept {
  if (g_watchers != nullptr) return true;
  PyObject* bootstrap = PyImport_ImportModule("importlib._bootstrap");
  if (bootstrap == nullptr) return false;
  g_find_and_load = PyObject_GetAttrString(bootstrap, "_find_and_load");
  PyObject* wrapper = g_find_and_load == nullptr ? nullptr : PyCFunction_New(&g_definition, nullptr);
  g_watchers = wrapper == nullptr ? nullptr : PyDict_New();
  const bool done = g_watchers != nullptr && PyObject_SetAttrString(bootstrap, "_find_and_load", wrapper) == 0;
  Py_XDECREF(wrapper);
  Py_DECREF(bootstrap);
  return done;
}

PyObject* watch_import(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 2 || !PyUnicode_Check(arguments[0]) || !PyCallable_Check(arguments[1])) {
    PyErr_SetString(PyExc_TypeError, "on_import(module name, callback) is expected");
    return nullptr;
  }
  PyObject* loaded = PyDict_GetItemWithError(PyImport_GetModuleDict(), arguments[0]);
  if (loaded != nullptr) {
    Py_INCREF(loaded);
    call_back(arguments[1], loaded);
    Py_DECREF(loaded);
    Py_RETURN_NONE;
  }
  if (PyErr_Occurred() != nullptr) return nullptr;
  if (g_watchers != nullptr && PyDict_SetItem(g_watchers, arguments[0], arguments[1]) != 0) return nullptr;
  Py_RETURN_NONE;
}

unsigned long failed_import_callbacks() noexcept { return g_failed_callbacks; }

}  // namespace heapledger::cpython
