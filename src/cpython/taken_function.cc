#include "cpython/taken_function.h"

namespace heapledger::cpython {
namespace {

constexpr bool kRunsFunctionsUnasked = PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030C0000;
constexpr bool kRunsGettersUnasked = PY_VERSION_HEX >= 0x030E0000 && PY_VERSION_HEX < 0x030F0000;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"  // CPython's own macro; prepare_unasked_type fills in
PyTypeObject g_unasked_type = {PyVarObject_HEAD_INIT(nullptr, 0)};
#pragma GCC diagnostic pop

PyObject* get_class(PyObject*, void*) { return Py_NewRef(reinterpret_cast<PyObject*>(&PyFunction_Type)); }

// By name, which pickle and copy know of the function type only.
PyObject* reduce(PyObject* object, PyObject*) { return PyObject_GetAttrString(object, "__qualname__"); }

PyMethodDef g_methods[] = {
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {"__reduce_ex__", reduce, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef g_attributes[] = {
    {"__class__", get_class, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

bool prepare_unasked_type() noexcept {
  PyTypeObject& type = g_unasked_type;
  if (type.tp_name != nullptr) return true;
  const PyTypeObject& base = PyFunction_Type;
  type.tp_base = &PyFunction_Type;
  type.tp_basicsize = base.tp_basicsize;
  type.tp_dealloc = base.tp_dealloc;
  type.tp_call = base.tp_call;
  type.tp_vectorcall_offset = base.tp_vectorcall_offset;
  type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR;
  type.tp_doc = base.tp_doc;
  type.tp_traverse = base.tp_traverse;
  type.tp_clear = base.tp_clear;
  type.tp_weaklistoffset = base.tp_weaklistoffset;
  type.tp_dictoffset = base.tp_dictoffset;
  type.tp_descr_get = base.tp_descr_get;
  type.tp_methods = g_methods;
  type.tp_getset = g_attributes;
  type.tp_name = base.tp_name;
  // The type's own description would stand before the functions'.
  const bool ready = PyType_Ready(&type) == 0 && PyDict_DelItemString(type.tp_dict, "__doc__") == 0;
  PyType_Modified(&type);
  if (!ready) type.tp_name = nullptr;
  return ready;
}

// What every function has that nobody has taken: asked of one that nobody can know.
vectorcallfunc find_plain_call() noexcept {
  vectorcallfunc found = nullptr;
  PyObject* code = reinterpret_cast<PyObject*>(PyCode_NewEmpty("", "", 0));
  PyObject* names = PyDict_New();
  PyObject* function = code != nullptr && names != nullptr ? PyFunction_New(code, names) : nullptr;
  if (function != nullptr) found = reinterpret_cast<PyFunctionObject*>(function)->vectorcall;
  Py_XDECREF(function);
  Py_XDECREF(names);
  Py_XDECREF(code);
  return found;
}

vectorcallfunc g_plain_call = nullptr;

bool set_type(PyObject* function, PyObject* getter_of) noexcept {
#ifdef Py_DEBUG
  if (kRunsFunctionsUnasked) return false;  // it asserts that what it calls is of the function type
#endif
  if (!prepare_unasked_type()) return false;
  Py_SET_TYPE(function, &g_unasked_type);
  if (getter_of != nullptr) PyType_Modified(reinterpret_cast<PyTypeObject*>(getter_of));
  return true;
}

void set_call(PyFunctionObject* function, vectorcallfunc ours) noexcept {
#if PY_VERSION_HEX >= 0x030C0000
  PyFunction_SetVectorcall(function, ours);
#else
#if PY_VERSION_HEX >= 0x030B0000
  function->func_version = 0;  // call sites that know it look again
#endif
  function->vectorcall = ours;
#endif
}

}  // namespace

bool take_function(PyObject* function, vectorcallfunc ours, PyObject* getter_of) noexcept {
  if (!PyObject_TypeCheck(function, &PyFunction_Type)) return false;
  auto* const taken = reinterpret_cast<PyFunctionObject*>(function);
  if (taken->vectorcall == ours) return true;
  if (g_plain_call == nullptr) g_plain_call = find_plain_call();
  const bool unasked = kRunsFunctionsUnasked || (kRunsGettersUnasked && getter_of != nullptr);
  const bool done =
      g_plain_call != nullptr && taken->vectorcall == g_plain_call && (!unasked || set_type(function, getter_of));
  if (done) set_call(taken, ours);
  PyErr_Clear();
  return done;
}

PyObject* call_taken(PyObject* function, PyObject* const* arguments, std::size_t count, PyObject* names) noexcept {
  return g_plain_call(function, arguments, count, names);
}

}  // namespace heapledger::cpython
