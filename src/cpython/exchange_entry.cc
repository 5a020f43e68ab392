// What ASGI servers and applications call: the entry in the place of an application, and the application's receive.
#include "cpython/exchange_passage.h"

#include <structmember.h>

#include <cstddef>

namespace heapledger::cpython {
namespace {

// ---- Entry(app, known=False) ----

struct EntryObject {
  PyObject_HEAD vectorcallfunc call;
  PyObject* application;
  char known;
};

EntryObject& as_entry(PyObject* object) noexcept { return *reinterpret_cast<EntryObject*>(object); }

int traverse_entry(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(as_entry(object).application);
  return 0;
}

int clear_entry(PyObject* object) {
  Py_CLEAR(as_entry(object).application);
  return 0;
}

void dealloc_entry(PyObject* object) {
  PyObject_GC_UnTrack(object);
  clear_entry(object);
  PyObject_GC_Del(object);
}

// mapping.get(name): a new reference, nullptr with or without an exception.
PyObject* get_from(PyObject* mapping, PyObject* name) noexcept {
  if (PyDict_CheckExact(mapping)) {
    PyObject* found = PyDict_GetItemWithError(mapping, name);
    return found == nullptr ? nullptr : Py_NewRef(found);
  }
  PyObject* found = PyObject_CallMethodOneArg(mapping, g_names.get, name);
  if (found == Py_None) Py_CLEAR(found);
  return found;
}

// scope, receive and send, borrowed, in the order of their names. False: exception set.
bool take_call(PyObject* const* arguments, Py_ssize_t given, PyObject* names, PyObject** call) noexcept {
  constexpr const char* kNames[] = {"scope", "receive", "send"};
  const Py_ssize_t named = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
  bool fits = given + named == 3;
  for (Py_ssize_t i = 0; fits && i < given; ++i) call[i] = arguments[i];
  for (Py_ssize_t i = given; fits && i < 3; ++i) {
    call[i] = nullptr;
    for (Py_ssize_t k = 0; k < named; ++k) {
      if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, k), kNames[i]) == 0) call[i] = arguments[given + k];
    }
    fits = call[i] != nullptr;
  }
  if (!fits) PyErr_SetString(PyExc_TypeError, "an ASGI application is called with scope, receive and send");
  return fits;
}

PyObject* call_entry(PyObject* object, PyObject* const* arguments, std::size_t count, PyObject* names) {
  EntryObject& self = as_entry(object);
  PyObject* call[3];
  if (!take_call(arguments, PyVectorcall_NARGS(count), names, call)) return nullptr;
  PyObject* outer = get_from(call[0], g_names.key);
  if (outer == nullptr && PyErr_Occurred() != nullptr) return nullptr;
  if (outer == nullptr) {
    PyObject* type = get_from(call[0], g_names.type);
    const bool is_http = type != nullptr && is_word(type, "http");
    Py_XDECREF(type);
    if (is_http) return new_serving(self.application, call, self.known != 0);
    if (PyErr_Occurred() != nullptr) return nullptr;
  } else if (self.known != 0 && Py_TYPE(outer) == &ExchangeType) {
    Py_DECREF(unroute_exchange(outer, nullptr));
  }
  Py_XDECREF(outer);
  return PyObject_Vectorcall(self.application, call, 3, nullptr);
}

PyObject* new_entry(PyTypeObject* type, PyObject* arguments, PyObject* names) {
  static const char* const kNames[] = {"app", "known", nullptr};
  PyObject* application = nullptr;
  int known = 0;
  if (PyArg_ParseTupleAndKeywords(arguments, names, "O|p", const_cast<char**>(kNames), &application, &known) == 0) {
    return nullptr;
  }
  PyObject* object = type->tp_alloc(type, 0);
  if (object == nullptr) return nullptr;
  as_entry(object).call = call_entry;
  as_entry(object).application = Py_NewRef(application);
  as_entry(object).known = static_cast<char>(known);
  return object;
}

PyMemberDef g_entry_members[] = {
    {"app", T_OBJECT, offsetof(EntryObject, application), 0, nullptr},
    {"known", T_BOOL, offsetof(EntryObject, known), 0, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

// ---- receive ----

struct ReceiverObject {
  PyObject_HEAD vectorcallfunc call;
  PyObject* exchange;
};

ReceiverObject& as_receiver(PyObject* object) noexcept { return *reinterpret_cast<ReceiverObject*>(object); }

int traverse_receiver(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(as_receiver(object).exchange);
  return 0;
}

int clear_receiver(PyObject* object) {
  Py_CLEAR(as_receiver(object).exchange);
  return 0;
}

constexpr int kMostSpare = 128;
ReceiverObject* g_spare[kMostSpare];
int g_spare_count = 0;

void dealloc_receiver(PyObject* object) {
  PyObject_GC_UnTrack(object);
  clear_receiver(object);
  if (g_spare_count < kMostSpare) {
    g_spare[g_spare_count++] = &as_receiver(object);
  } else {
    PyObject_GC_Del(object);
  }
}

PyObject* call_receiver(PyObject* object, PyObject* const*, std::size_t count, PyObject* names) {
  if (PyVectorcall_NARGS(count) != 0 || (names != nullptr && PyTuple_GET_SIZE(names) != 0)) {
    return PyErr_Format(PyExc_TypeError, "receive() takes no arguments");
  }
  return new_receiving(as_receiver(object).exchange);
}

}  // namespace

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"  // CPython's own macro; the next function fills in
PyTypeObject EntryType = {PyVarObject_HEAD_INIT(nullptr, 0)};
PyTypeObject ReceiverType = {PyVarObject_HEAD_INIT(nullptr, 0)};
#pragma GCC diagnostic pop

bool prepare_entry_types() noexcept {
  EntryType.tp_name = "heapledger._exchange.Entry";
  EntryType.tp_basicsize = sizeof(EntryObject);
  EntryType.tp_dealloc = dealloc_entry;
  EntryType.tp_vectorcall_offset = offsetof(EntryObject, call);
  EntryType.tp_call = PyVectorcall_Call;
  EntryType.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL;
  EntryType.tp_doc = "An ASGI application with a request around each http call.";
  EntryType.tp_traverse = traverse_entry;
  EntryType.tp_clear = clear_entry;
  EntryType.tp_members = g_entry_members;
  EntryType.tp_new = new_entry;
  ReceiverType.tp_name = "heapledger._exchange.Receiver";
  ReceiverType.tp_basicsize = sizeof(ReceiverObject);
  ReceiverType.tp_dealloc = dealloc_receiver;
  ReceiverType.tp_vectorcall_offset = offsetof(ReceiverObject, call);
  ReceiverType.tp_call = PyVectorcall_Call;
  ReceiverType.tp_flags =
      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION;
  ReceiverType.tp_doc = "The receive that an ASGI application is given.";
  ReceiverType.tp_traverse = traverse_receiver;
  ReceiverType.tp_clear = clear_receiver;
  return PyType_Ready(&EntryType) == 0 && PyType_Ready(&ReceiverType) == 0;
}

bool prepare_spare_receiver() noexcept {
  if (g_spare_count > 0) return true;
  ReceiverObject* self = PyObject_GC_New(ReceiverObject, &ReceiverType);
  if (self == nullptr) {
    PyErr_Clear();
    return false;
  }
  self->exchange = nullptr;
  Py_DECREF(reinterpret_cast<PyObject*>(self));  // into the list
  return true;
}

PyObject* new_receiver(PyObject* exchange) noexcept {
  if (!prepare_spare_receiver()) return PyErr_NoMemory();
  ReceiverObject* self = g_spare[--g_spare_count];
  PyObject_Init(reinterpret_cast<PyObject*>(self), &ReceiverType);
  self->call = call_receiver;
  self->exchange = Py_NewRef(exchange);
  PyObject_GC_Track(reinterpret_cast<PyObject*>(self));
  return reinterpret_cast<PyObject*>(self);
}

}  // namespace heapledger::cpython
