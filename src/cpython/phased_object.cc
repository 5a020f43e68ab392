#include "cpython/phased_object.h"

#include <structmember.h>

#include <cstddef>

#include "cpython/current_owner.h"
#include "engine/phases.h"

namespace heapledger::cpython {
namespace {

using engine::Phase;
using engine::Scope;
using engine::Visit;

struct PhasedObject {
  PyObject_HEAD vectorcallfunc call;
  PyObject* function;
  PyObject* attributes;  // what was set on it
  PyObject* weak_references;
  Phase phase;
};

PhasedObject& as_phased(PyObject* object) noexcept { return *reinterpret_cast<PhasedObject*>(object); }

// The request that runs here, {} where none does.
Scope running_scope(engine::Engine& e) noexcept {
  if (!e.active || e.frozen) return {};
  const std::uint16_t owner = owner_now(e, current_thread_state());
  return {engine::record(e, OwnerId{owner}).generation, owner};
}

PyObject* call_phased(PyObject* object, PyObject* const* arguments, std::size_t count, PyObject* names) {
  const PhasedObject& self = as_phased(object);
  engine::Engine& e = engine::engine();
  const Scope scope = running_scope(e);
  const Visit visit = engine::enter_phase(e, scope, self.phase);
  PyObject* result = PyObject_Vectorcall(self.function, arguments, count, names);
  engine::leave_phase(e, scope, visit);
  return result;
}

// Functions of Python become methods as attributes of a class, built-in ones do not: each kind is a type here.
bool becomes_method(const PyObject* function) noexcept { return Py_TYPE(function)->tp_descr_get != nullptr; }

PyObject* bind_phased(PyObject* object, PyObject* instance, PyObject*) {
  if (instance == nullptr || instance == Py_None) return Py_NewRef(object);
  return PyMethod_New(object, instance);
}

PyObject* get_attribute(PyObject* object, PyObject* name) {
  PyObject* found = PyObject_GenericGetAttr(object, name);
  if (found != nullptr || PyErr_ExceptionMatches(PyExc_AttributeError) == 0) return found;
  PyErr_Clear();
  return PyObject_GetAttr(as_phased(object).function, name);
}

// What calls of a Python function go by is the function's own.
int set_attribute(PyObject* object, PyObject* name, PyObject* value) {
  if (PyUnicode_Check(name) != 0) {
    for (const char* const own : {"__code__", "__defaults__", "__kwdefaults__"}) {
      if (PyUnicode_CompareWithASCIIString(name, own) == 0) {
        return PyObject_SetAttr(as_phased(object).function, name, value);
      }
    }
  }
  return PyObject_GenericSetAttr(object, name, value);
}

PyObject* represent(PyObject* object) { return PyObject_Repr(as_phased(object).function); }

PyObject* get_class(PyObject* object, void*) { return PyObject_GetAttrString(as_phased(object).function, "__class__"); }

// By its name, as functions are.
PyObject* reduce(PyObject* object, PyObject*) {
  return PyObject_GetAttrString(as_phased(object).function, "__qualname__");
}

int traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(as_phased(object).function);
  Py_VISIT(as_phased(object).attributes);
  return 0;
}

int clear(PyObject* object) {
  Py_CLEAR(as_phased(object).attributes);
  Py_CLEAR(as_phased(object).function);
  return 0;
}

void dealloc(PyObject* object) {
  PyObject_GC_UnTrack(object);
  if (as_phased(object).weak_references != nullptr) PyObject_ClearWeakRefs(object);
  clear(object);
  PyObject_GC_Del(object);
}

PyTypeObject* built_in_type() noexcept;

PyObject* new_phased(PyTypeObject* type, PyObject* arguments, PyObject* names) {
  static const char* const kNames[] = {"function", "phase", nullptr};
  PyObject* function = nullptr;
  int phase = 0;
  if (PyArg_ParseTupleAndKeywords(arguments, names, "Oi", const_cast<char**>(kNames), &function, &phase) == 0) {
    return nullptr;
  }
  if (PyCallable_Check(function) == 0 || phase < 0 || phase >= static_cast<int>(ledger::kPhases)) {
    PyErr_SetString(PyExc_TypeError, "Phased(callable, phase) is expected");
    return nullptr;
  }
  if (type == &PhasedType && !becomes_method(function)) type = built_in_type();
  PyObject* object = type->tp_alloc(type, 0);
  if (object == nullptr) return nullptr;
  PhasedObject& self = as_phased(object);
  self.call = call_phased;
  self.function = Py_NewRef(function);
  self.phase = static_cast<Phase>(phase);
  return object;
}

PyMethodDef g_methods[] = {
    {"__reduce__", reduce, METH_NOARGS, "By name."},
    {"__reduce_ex__", reduce, METH_O, "By name."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef g_attributes[] = {
    {"__class__", get_class, nullptr, "what isinstance() goes by", nullptr},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

}  // namespace

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"  // CPython's own macro; the next function fills in
PyTypeObject PhasedType = {PyVarObject_HEAD_INIT(nullptr, 0)};
#pragma GCC diagnostic pop

namespace {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
PyTypeObject g_phased_built_in = {PyVarObject_HEAD_INIT(nullptr, 0)};
#pragma GCC diagnostic pop

PyTypeObject* built_in_type() noexcept { return &g_phased_built_in; }

void prepare(PyTypeObject& type) noexcept {
  type.tp_name = "heapledger._engine.Phased";
  type.tp_basicsize = sizeof(PhasedObject);
  type.tp_dealloc = dealloc;
  type.tp_vectorcall_offset = offsetof(PhasedObject, call);
  type.tp_call = PyVectorcall_Call;
  type.tp_repr = represent;
  type.tp_getattro = get_attribute;
  type.tp_setattro = set_attribute;
  type.tp_dictoffset = offsetof(PhasedObject, attributes);
  type.tp_weaklistoffset = offsetof(PhasedObject, weak_references);
  type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL;
  type.tp_doc = "A callable of the service during which a phase of its request is marked.";
  type.tp_traverse = traverse;
  type.tp_clear = clear;
  type.tp_methods = g_methods;
  type.tp_getset = g_attributes;
  type.tp_new = new_phased;
}

}  // namespace

bool prepare_phased_type() noexcept {
  prepare(PhasedType);
  PhasedType.tp_flags |= Py_TPFLAGS_METHOD_DESCRIPTOR;
  PhasedType.tp_descr_get = bind_phased;
  prepare(g_phased_built_in);
  return PyType_Ready(&PhasedType) == 0 && PyType_Ready(&g_phased_built_in) == 0;
}

}  // namespace heapledger::cpython
