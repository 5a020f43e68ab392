// mark_awaited(function, phase): what a coroutine function of the service returns is awaited within a phase of the
// request that calls it. The function stays what it is (taken_function.h).
#include <cstddef>

#include "cpython/exchange_passage.h"
#include "cpython/taken_function.h"

namespace heapledger::cpython {
namespace {

PyObject* visiting(PyObject* coroutine, long phase) noexcept {
  if (coroutine == nullptr || !PyCoro_CheckExact(coroutine) || g_bound.current == nullptr) return coroutine;
  PyObject* token = PyObject_CallNoArgs(g_bound.current);
  PyObject* number = PyLong_FromLong(phase);
  PyObject* passage = nullptr;
  if (token != nullptr && token != Py_None && number != nullptr) passage = new_visiting(token, number, coroutine);
  if (PyErr_Occurred() != nullptr) count_failure("phase_not_marked");
  Py_XDECREF(number);
  Py_XDECREF(token);
  if (passage == nullptr) return coroutine;
  Py_DECREF(coroutine);
  return passage;
}

template <long kPhase>
PyObject* call_function(PyObject* function, PyObject* const* arguments, std::size_t count, PyObject* names) {
  return visiting(call_taken(function, arguments, count, names), kPhase);
}

// By number, as this module knows nothing of the engine's phases.
constexpr vectorcallfunc kCalls[] = {call_function<0>, call_function<1>, call_function<2>, call_function<3>,
                                     call_function<4>, call_function<5>, call_function<6>};

}  // namespace

PyObject* mark_awaited(PyObject*, PyObject* arguments) {
  PyObject* function = nullptr;
  int phase = 0;
  if (PyArg_ParseTuple(arguments, "Oi", &function, &phase) == 0) return nullptr;
  if (phase < 0 || static_cast<std::size_t>(phase) >= sizeof kCalls / sizeof *kCalls) {
    return PyErr_Format(PyExc_ValueError, "%d is no phase", phase);
  }
  return PyBool_FromLong(take_function(function, kCalls[phase], nullptr) ? 1 : 0);
}

}  // namespace heapledger::cpython
