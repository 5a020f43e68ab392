#include "cpython/exchange_passage.h"

#include <structmember.h>

#include <cstring>
#include <utility>

namespace heapledger::cpython {
namespace {

PassageObject& as_passage(PyObject* object) noexcept { return *reinterpret_cast<PassageObject*>(object); }

constexpr int kMostSpare = 128;
PassageObject* g_spare[kMostSpare];
int g_spare_count = 0;

template <typename Visit>
int each_reference(PassageObject& self, Visit visit) {
  PyObject** const references[] = {&self.inner, &self.exchange, &self.application, &self.scope, &self.receive,
                                   &self.send,  &self.message,  &self.visit,       &self.token, &self.phase};
  for (PyObject** reference : references) {
    if (const int stop = visit(*reference); stop != 0) return stop;
  }
  return 0;
}

int traverse(PyObject* object, visitproc visit, void* argument) {
  return each_reference(as_passage(object),
                        [&](PyObject*& reference) { return reference == nullptr ? 0 : visit(reference, argument); });
}

int clear(PyObject* object) {
  return each_reference(as_passage(object), [](PyObject*& reference) {
    Py_CLEAR(reference);
    return 0;
  });
}

const char* name_of(const PassageObject& self) noexcept {
  constexpr const char* kNames[] = {"respond", "receive", "send", "visit"};
  return kNames[static_cast<int>(self.kind)];
}

// As a coroutine's: what was never awaited is said, what was dropped half-way is closed.
void finalize(PyObject* object) {
  PassageObject& self = as_passage(object);
  if (self.state == PassageState::kOver) return;
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  if (self.state == PassageState::kCreated) {
    self.state = PassageState::kOver;
    const bool warns_itself = self.kind == PassageKind::kVisit;
    if (!warns_itself &&
        PyErr_WarnFormat(PyExc_RuntimeWarning, 1, "coroutine '%s' was never awaited", name_of(self)) != 0) {
      PyErr_WriteUnraisable(object);
    }
  } else {
    PyObject* closed = passage_close(object, nullptr);
    if (closed == nullptr) PyErr_WriteUnraisable(object);
    Py_XDECREF(closed);
  }
  PyErr_Restore(type, value, traceback);
}

void dealloc(PyObject* object) {
  PassageObject& self = as_passage(object);
  if (self.state != PassageState::kOver && PyObject_CallFinalizerFromDealloc(object) != 0) return;
  PyObject_GC_UnTrack(object);
  clear(object);
  if (g_spare_count < kMostSpare && PyObject_GC_IsFinalized(object) == 0) {
    g_spare[g_spare_count++] = &self;
  } else {
    PyObject_GC_Del(object);
  }
}

PassageObject* new_passage(PassageKind kind) noexcept {
  PassageObject* self = nullptr;
  if (g_spare_count > 0) {
    self = g_spare[--g_spare_count];
    PyObject_Init(reinterpret_cast<PyObject*>(self), &PassageType);
  } else {
    self = PyObject_GC_New(PassageObject, &PassageType);
    if (self == nullptr) return nullptr;
  }
  memset(&self->exchange, 0, sizeof(PassageObject) - offsetof(PassageObject, exchange));
  self->kind = kind;
  PyObject_GC_Track(reinterpret_cast<PyObject*>(self));
  return self;
}

// ---- what is awaited ----

// A generator that types.coroutine has marked.
bool is_iterable_coroutine(PyObject* object) noexcept {
  if (!PyGen_CheckExact(object)) return false;
  PyObject* code = PyObject_GetAttrString(object, "gi_code");
  const bool marked = code != nullptr && (reinterpret_cast<PyCodeObject*>(code)->co_flags & CO_ITERABLE_COROUTINE) != 0;
  Py_XDECREF(code);
  PyErr_Clear();
  return marked;
}

// As GET_AWAITABLE finds it; steals `awaited`, which may be nullptr with an exception.
PyObject* iterator_of(PyObject* awaited) noexcept {
  if (awaited == nullptr || PyCoro_CheckExact(awaited) || is_iterable_coroutine(awaited)) return awaited;
  PyTypeObject* type = Py_TYPE(awaited);
  PyObject* iterator = nullptr;
  if (type->tp_as_async != nullptr && type->tp_as_async->am_await != nullptr) {
    iterator = type->tp_as_async->am_await(awaited);
    if (iterator != nullptr && (PyIter_Check(iterator) == 0 || PyCoro_CheckExact(iterator))) {
      PyErr_Format(PyExc_TypeError, "__await__() returned a %s", Py_TYPE(iterator)->tp_name);
      Py_CLEAR(iterator);
    }
  } else {
    PyErr_Format(PyExc_TypeError, "object %.100s can't be used in 'await' expression", type->tp_name);
  }
  Py_DECREF(awaited);
  return iterator;
}

// The exchange of a call that is about to begin; nullptr without an exception: it goes on without one.
PyObject* begin_exchange(PassageObject& self) noexcept {
  if (!prepare_spare() || !prepare_spare_receiver()) return nullptr;
  PyObject* token = PyObject_CallNoArgs(g_bound.begin);
  if (token == nullptr) PyErr_Clear();
  if (token == nullptr || token == Py_None) {
    Py_XDECREF(token);
    return nullptr;
  }
  PyObject* exchange = open_asgi(token, self.scope, self.receive, self.send, self.known != 0);
  if (exchange == nullptr) forget_token(token, "asgi_begin_failed");
  Py_DECREF(token);
  return exchange;
}

PyObject* call_application(PassageObject& self) noexcept {
  self.exchange = begin_exchange(self);
  PyObject* passed[] = {nullptr, self.scope, self.receive, self.send};
  PyObject* receiver = nullptr;
  if (self.exchange != nullptr) {
    receiver = new_receiver(self.exchange);
    if (receiver == nullptr) return nullptr;
    passed[2] = receiver;
    passed[3] = self.exchange;
  }
  PyObject* awaited = PyObject_Vectorcall(self.application, passed + 1, 3 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
  Py_XDECREF(receiver);
  return awaited;
}

void begin_visit(PassageObject& self, PyObject* token, PyObject* phase) noexcept {
  PyObject* arguments[] = {token, phase};
  self.visit = PyObject_Vectorcall(g_bound.enter_phase, arguments, 2, nullptr);
  if (self.visit == nullptr) {
    count_failure("phase_not_marked");
  } else if (PyObject_IsTrue(self.visit) == 0) {  // part of the phase that it is in
    Py_CLEAR(self.visit);
  }
}

// Waiting for a body and taking it over is reading; after its end a receive only waits for the client to leave.
void begin_reading(PassageObject& self) noexcept {
  const ExchangeObject& exchange = *reinterpret_cast<ExchangeObject*>(self.exchange);
  if (exchange.arrived == 0 && exchange.open != 0) begin_visit(self, exchange.token, g_bound.reading);
}

void end_visit(PassageObject& self) noexcept {
  if (self.visit == nullptr) return;
  PyObject* token = self.exchange == nullptr ? self.token : reinterpret_cast<ExchangeObject*>(self.exchange)->token;
  PyObject* arguments[] = {token, self.visit};
  PyObject* done = PyObject_Vectorcall(g_bound.leave_phase, arguments, 2, nullptr);
  if (done == nullptr) count_failure("phase_not_marked");
  Py_XDECREF(done);
  Py_CLEAR(self.visit);
}

PyObject* start(PassageObject& self) noexcept {
  switch (self.kind) {
    case PassageKind::kServe:
      return call_application(self);
    case PassageKind::kReceive:
      begin_reading(self);
      return PyObject_CallNoArgs(reinterpret_cast<ExchangeObject*>(self.exchange)->server_receive);
    case PassageKind::kVisit:
      begin_visit(self, self.token, self.phase);
      return std::exchange(self.message, nullptr);
    default:
      return PyObject_CallOneArg(reinterpret_cast<ExchangeObject*>(self.exchange)->server_call, self.message);
  }
}

// A StopIteration out of a coroutine would be taken for its return: raised by the call itself, it is an error.
void name_stop_iteration() noexcept {
  if (PyErr_ExceptionMatches(PyExc_StopIteration) == 0) return;
  PyObject *type = nullptr, *cause = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &cause, &traceback);
  PyErr_NormalizeException(&type, &cause, &traceback);
  Py_XDECREF(type);
  Py_XDECREF(traceback);
  PyErr_SetString(PyExc_RuntimeError, "coroutine raised StopIteration");
  PyObject* error = nullptr;
  PyErr_Fetch(&type, &error, &traceback);
  PyErr_NormalizeException(&type, &error, &traceback);
  PyException_SetContext(error, Py_NewRef(cause));
  PyException_SetCause(error, cause);
  PyErr_Restore(type, error, traceback);
}

bool may_step(const PassageObject& self, PyObject* value) noexcept {
  if (self.state == PassageState::kSuspended) return true;
  if (self.state == PassageState::kRunning) {
    PyErr_SetString(PyExc_ValueError, "coroutine already executing");
  } else if (self.state == PassageState::kOver) {
    PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited coroutine");
  } else if (value != Py_None) {
    PyErr_SetString(PyExc_TypeError, "can't send non-None value to a just-started coroutine");
  } else {
    return true;
  }
  return false;
}

PyObject* get_name(PyObject* object, void*) {
  PassageObject& self = as_passage(object);
  return self.inner != nullptr && PyCoro_CheckExact(self.inner) ? PyObject_GetAttrString(self.inner, "__qualname__")
                                                                : PyUnicode_FromString(name_of(self));
}

template <typename Function>
PyCFunction as_method(Function function) noexcept {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function));
}

PyMethodDef g_methods[] = {
    {"send", passage_send, METH_O, "Resume with this value."},
    {"throw", as_method(passage_throw), METH_FASTCALL, "Resume with this exception."},
    {"close", passage_close, METH_NOARGS, "Raise GeneratorExit inside."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef g_attributes[] = {
    {"__name__", get_name, nullptr, nullptr, nullptr},
    {"__qualname__", get_name, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyAsyncMethods g_async{};

}  // namespace

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"  // CPython's own macro; the next function fills in
PyTypeObject PassageType = {PyVarObject_HEAD_INIT(nullptr, 0)};
#pragma GCC diagnostic pop

bool prepare_passage_types() noexcept {
  g_async.am_await = await_passage;
  g_async.am_send = send_to_passage;
  PassageType.tp_name = "heapledger._exchange.Passage";
  PassageType.tp_basicsize = sizeof(PassageObject);
  PassageType.tp_dealloc = dealloc;
  PassageType.tp_finalize = finalize;
  PassageType.tp_as_async = &g_async;
  PassageType.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION;
  PassageType.tp_doc = "A coroutine around one of the service's or the server's.";
  PassageType.tp_traverse = traverse;
  PassageType.tp_clear = clear;
  PassageType.tp_iternext = next_of_passage;
  PassageType.tp_methods = g_methods;
  PassageType.tp_getset = g_attributes;
  return PyType_Ready(&PassageType) == 0;
}

PyObject* new_serving(PyObject* application, PyObject* const* call, bool known) noexcept {
  PassageObject* self = new_passage(PassageKind::kServe);
  if (self == nullptr) return nullptr;
  self->application = Py_NewRef(application);
  self->scope = Py_NewRef(call[0]);
  self->receive = Py_NewRef(call[1]);
  self->send = Py_NewRef(call[2]);
  self->known = known ? 1 : 0;
  return reinterpret_cast<PyObject*>(self);
}

PyObject* new_receiving(PyObject* exchange) noexcept {
  PassageObject* self = new_passage(PassageKind::kReceive);
  if (self != nullptr) self->exchange = Py_NewRef(exchange);
  return reinterpret_cast<PyObject*>(self);
}

PyObject* new_last(PyObject* exchange, PyObject* message) noexcept {
  PassageObject* self = new_passage(PassageKind::kLast);
  if (self == nullptr) return nullptr;
  self->exchange = Py_NewRef(exchange);
  self->message = Py_NewRef(message);
  return reinterpret_cast<PyObject*>(self);
}

PyObject* new_visiting(PyObject* token, PyObject* phase, PyObject* coroutine) noexcept {
  PassageObject* self = new_passage(PassageKind::kVisit);
  if (self == nullptr) return nullptr;
  self->token = Py_NewRef(token);
  self->phase = Py_NewRef(phase);
  self->message = Py_NewRef(coroutine);
  return reinterpret_cast<PyObject*>(self);
}

void conclude(PassageObject& self, PySendResult outcome, PyObject* value) noexcept {
  self.state = PassageState::kOver;
  PyObject *type = nullptr, *raised = nullptr, *traceback = nullptr;
  if (outcome == PYGEN_ERROR) PyErr_Fetch(&type, &raised, &traceback);
  Py_CLEAR(self.inner);
  if (self.exchange != nullptr) {
    ExchangeObject& exchange = *reinterpret_cast<ExchangeObject*>(self.exchange);
    if (self.kind == PassageKind::kServe) {
      if (type != nullptr) note_failure(exchange, type);
      finish_asgi(exchange);
    } else if (outcome == PYGEN_RETURN && self.kind == PassageKind::kReceive) {
      note_received(exchange, value);
    } else if (outcome == PYGEN_RETURN) {
      end_exchange(exchange);
    }
  }
  end_visit(self);
  if (outcome == PYGEN_ERROR) PyErr_Restore(type, raised, traceback);
}

PySendResult step_passage(PassageObject& self, PyObject* value, PyObject** result) noexcept {
  *result = nullptr;
  if (!may_step(self, value)) return PYGEN_ERROR;
  const bool begins = self.state == PassageState::kCreated;
  self.state = PassageState::kRunning;
  if (begins) self.inner = iterator_of(start(self));
  if (self.inner == nullptr) name_stop_iteration();
  const PySendResult outcome = self.inner == nullptr ? PYGEN_ERROR : PyIter_Send(self.inner, value, result);
  if (outcome == PYGEN_NEXT) {
    self.state = PassageState::kSuspended;
    if (self.kind == PassageKind::kServe && self.exchange != nullptr) {
      reinterpret_cast<ExchangeObject*>(self.exchange)->waited = 1;
    }
  } else {
    conclude(self, outcome, *result);
  }
  return outcome;
}

PyObject* serve(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 5) return PyErr_Format(PyExc_TypeError, "serve(app, scope, receive, send, known) is expected");
  return new_serving(arguments[0], arguments + 1, arguments[4] == Py_True);
}

}  // namespace heapledger::cpython
