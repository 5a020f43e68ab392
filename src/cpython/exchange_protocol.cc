// The coroutine protocol of a passage, as CPython's own coroutines keep it.
#include "cpython/exchange_passage.h"

namespace heapledger::cpython {
namespace {

PassageObject& as_passage(PyObject* object) noexcept { return *reinterpret_cast<PassageObject*>(object); }

void stop_iteration(PyObject* value) noexcept {
  PyObject* stop = PyObject_CallOneArg(PyExc_StopIteration, value);
  if (stop == nullptr) return;
  PyErr_SetObject(PyExc_StopIteration, stop);
  Py_DECREF(stop);
}

// Raises what was given to throw().
void raise_given(PyObject* const* given, Py_ssize_t count) noexcept {
  PyObject* type = given[0];
  PyObject* value = count > 1 && given[1] != Py_None ? given[1] : nullptr;
  if (PyExceptionInstance_Check(type)) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(type)), type);
  } else if (PyExceptionClass_Check(type)) {
    PyErr_SetObject(type, value);
  } else {
    PyErr_Format(PyExc_TypeError, "exceptions must be classes or instances deriving from BaseException, not %s",
                 Py_TYPE(type)->tp_name);
    return;
  }
  if (count < 3 || !PyTraceBack_Check(given[2])) return;
  PyObject *raised = nullptr, *instance = nullptr, *traceback = nullptr;
  PyErr_Fetch(&raised, &instance, &traceback);
  Py_XSETREF(traceback, Py_NewRef(given[2]));
  PyErr_Restore(raised, instance, traceback);
}

bool is_exit(PyObject* given) noexcept { return PyErr_GivenExceptionMatches(given, PyExc_GeneratorExit) != 0; }

// A method of what is awaited, or nullptr without an exception.
PyObject* inner_method(PassageObject& self, PyObject* name) noexcept {
  PyObject* method = PyObject_GetAttr(self.inner, name);
  if (method == nullptr && PyErr_ExceptionMatches(PyExc_AttributeError) != 0) PyErr_Clear();
  return method;
}

// False: closing what is awaited raised.
bool close_inner(PassageObject& self) noexcept {
  PyObject* close = inner_method(self, g_names.close);
  if (close == nullptr) return PyErr_Occurred() == nullptr;
  PyObject* closed = PyObject_CallNoArgs(close);
  Py_DECREF(close);
  Py_XDECREF(closed);
  return closed != nullptr;
}

// The inner throw() came to nullptr: it raised, or it returned as a StopIteration that stays.
void conclude_thrown(PassageObject& self) noexcept {
  if (PyErr_ExceptionMatches(PyExc_StopIteration) == 0) {
    conclude(self, PYGEN_ERROR, nullptr);
    return;
  }
  PyObject *type = nullptr, *stop = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &stop, &traceback);
  PyErr_NormalizeException(&type, &stop, &traceback);
  PyObject* value = PyObject_GetAttr(stop, g_names.value);
  if (value == nullptr) PyErr_Clear();
  conclude(self, PYGEN_RETURN, value == nullptr ? Py_None : value);
  Py_XDECREF(value);
  PyErr_Restore(type, stop, traceback);
}

PyObject* throw_into_inner(PassageObject& self, PyObject* const* given, Py_ssize_t count) noexcept {
  PyObject* method = is_exit(given[0]) ? nullptr : inner_method(self, g_names.throw_);
  self.state = PassageState::kRunning;
  if (method == nullptr) {
    const bool closed = PyErr_Occurred() == nullptr && (!is_exit(given[0]) || close_inner(self));
    if (closed) raise_given(given, count);
    conclude(self, PYGEN_ERROR, nullptr);
    return nullptr;
  }
  PyObject* yielded = PyObject_Vectorcall(method, given, static_cast<std::size_t>(count), nullptr);
  Py_DECREF(method);
  if (yielded != nullptr) {
    self.state = PassageState::kSuspended;
  } else {
    conclude_thrown(self);
  }
  return yielded;
}

}  // namespace

PyObject* await_passage(PyObject* object) {
  if (as_passage(object).state == PassageState::kSuspended) {
    return PyErr_Format(PyExc_RuntimeError, "coroutine is being awaited already");
  }
  return Py_NewRef(object);
}

PySendResult send_to_passage(PyObject* object, PyObject* value, PyObject** result) {
  return step_passage(as_passage(object), value, result);
}

PyObject* next_of_passage(PyObject* object) {
  PyObject* result = nullptr;
  if (step_passage(as_passage(object), Py_None, &result) == PYGEN_RETURN) {
    if (result != Py_None) stop_iteration(result);
    Py_CLEAR(result);
  }
  return result;
}

PyObject* passage_send(PyObject* object, PyObject* value) {
  PyObject* result = nullptr;
  if (step_passage(as_passage(object), value, &result) == PYGEN_RETURN) {
    stop_iteration(result);
    Py_CLEAR(result);
  }
  return result;
}

PyObject* passage_throw(PyObject* object, PyObject* const* arguments, Py_ssize_t count) {
  PassageObject& self = as_passage(object);
  if (count < 1 || count > 3) return PyErr_Format(PyExc_TypeError, "throw(type[, value[, traceback]]) is expected");
  switch (self.state) {
    case PassageState::kRunning:
      return PyErr_Format(PyExc_ValueError, "coroutine already executing");
    case PassageState::kOver:
      return PyErr_Format(PyExc_RuntimeError, "cannot reuse already awaited coroutine");
    case PassageState::kCreated:
      self.state = PassageState::kOver;
      raise_given(arguments, count);
      return nullptr;
    default:
      return throw_into_inner(self, arguments, count);
  }
}

PyObject* passage_close(PyObject* object, PyObject*) {
  PassageObject& self = as_passage(object);
  if (self.state == PassageState::kRunning) return PyErr_Format(PyExc_ValueError, "coroutine already executing");
  if (self.state == PassageState::kSuspended) {
    self.state = PassageState::kRunning;
    const bool closed = close_inner(self);
    if (closed) PyErr_SetNone(PyExc_GeneratorExit);
    conclude(self, PYGEN_ERROR, nullptr);
    if (!closed) return nullptr;
    PyErr_Clear();
  }
  self.state = PassageState::kOver;
  Py_RETURN_NONE;
}

}  // namespace heapledger::cpython
