// Visiting(function, phase): in the place of a coroutine function of the service. What it returns is awaited within a
// phase of the request that calls. Dressed up as the function by heapledger._engine.Phased, which stands around it.
#include <cstddef>

#include "cpython/exchange_passage.h"

namespace heapledger::cpython {
namespace {

struct VisitingObject {
  PyObject_HEAD vectorcallfunc call;
  PyObject* function;
  PyObject* phase;
};

VisitingObject& as_visiting(PyObject* object) noexcept { return *reinterpret_cast<VisitingObject*>(object); }

PyObject* call_visiting(PyObject* object, PyObject* const* arguments, std::size_t count, PyObject* names) {
  const VisitingObject& self = as_visiting(object);
  PyObject* coroutine = PyObject_Vectorcall(self.function, arguments, count, names);
  if (coroutine == nullptr || !PyCoro_CheckExact(coroutine) || g_bound.current == nullptr) return coroutine;
  PyObject* token = PyObject_CallNoArgs(g_bound.current);
  PyObject* passage = nullptr;
  if (token != nullptr && token != Py_None) passage = new_visiting(token, self.phase, coroutine);
  if (PyErr_Occurred() != nullptr) count_failure("phase_not_marked");
  Py_XDECREF(token);
  if (passage == nullptr) return coroutine;
  Py_DECREF(coroutine);
  return passage;
}

PyObject* bind_visiting(PyObject* object, PyObject* instance, PyObject*) {
  if (instance == nullptr || instance == Py_None) return Py_NewRef(object);
  return PyMethod_New(object, instance);
}

PyObject* get_attribute(PyObject* object, PyObject* name) {
  PyObject* found = PyObject_GenericGetAttr(object, name);
  if (found != nullptr || PyErr_ExceptionMatches(PyExc_AttributeError) == 0) return found;
  PyErr_Clear();
  return PyObject_GetAttr(as_visiting(object).function, name);
}

PyObject* get_class(PyObject* object, void*) {
  return Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(as_visiting(object).function)));
}

PyObject* represent(PyObject* object) { return PyObject_Repr(as_visiting(object).function); }

int traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(as_visiting(object).function);
  Py_VISIT(as_visiting(object).phase);
  return 0;
}

int clear(PyObject* object) {
  Py_CLEAR(as_visiting(object).function);
  Py_CLEAR(as_visiting(object).phase);
  return 0;
}

void dealloc(PyObject* object) {
  PyObject_GC_UnTrack(object);
  clear(object);
  PyObject_GC_Del(object);
}

PyObject* new_visiting_function(PyTypeObject* type, PyObject* arguments, PyObject* names) {
  static const char* const kNames[] = {"function", "phase", nullptr};
  PyObject *function = nullptr, *phase = nullptr;
  if (PyArg_ParseTupleAndKeywords(arguments, names, "OO!", const_cast<char**>(kNames), &function, &PyLong_Type,
                                  &phase) == 0) {
    return nullptr;
  }
  PyObject* object = type->tp_alloc(type, 0);
  if (object == nullptr) return nullptr;
  as_visiting(object).call = call_visiting;
  as_visiting(object).function = Py_NewRef(function);
  as_visiting(object).phase = Py_NewRef(phase);
  return object;
}

PyGetSetDef g_attributes[] = {
    {"__class__", get_class, nullptr, "what isinstance() goes by", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

}  // namespace

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"  // CPython's own macro; the next function fills in
PyTypeObject VisitingType = {PyVarObject_HEAD_INIT(nullptr, 0)};
#pragma GCC diagnostic pop

bool prepare_visiting_type() noexcept {
  VisitingType.tp_name = "heapledger._exchange.Visiting";
  VisitingType.tp_basicsize = sizeof(VisitingObject);
  VisitingType.tp_dealloc = dealloc;
  VisitingType.tp_vectorcall_offset = offsetof(VisitingObject, call);
  VisitingType.tp_call = PyVectorcall_Call;
  VisitingType.tp_repr = represent;
  VisitingType.tp_getattro = get_attribute;
  VisitingType.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL;
  VisitingType.tp_doc = "A coroutine function that is awaited within a phase of its request.";
  VisitingType.tp_traverse = traverse;
  VisitingType.tp_clear = clear;
  VisitingType.tp_descr_get = bind_visiting;
  VisitingType.tp_getset = g_attributes;
  VisitingType.tp_new = new_visiting_function;
  return PyType_Ready(&VisitingType) == 0;
}

}  // namespace heapledger::cpython
