// Taking the calls of a Python function: from then on the interpreter calls a function of ours, which calls the
// function. The object stays the one that it is, wherever it has been imported to: type, attributes, signature, frames
// and what a wrong call says are its own.
//
//               how the interpreter comes to us                                  what can be seen
//   3.10        it always calls through the object's vectorcall field            nothing
//   3.11        it runs objects of exactly the function type without asking      type(f) is a subtype of function,
//   which
//               the field: the object gets a type of its own                     f.__class__ does not tell
//   3.12, 3.13  it runs what has its own vectorcall only (PyFunction_SetVectorcall)   nothing
//   3.14        the same, but it runs getters of properties without asking       as in 3.11, for getters only
//   3.15        as 3.12                                                          nothing
//
// From 3.13 on it also runs an __init__ without * and ** parameters without asking: such calls do not come to us.
// GIL held. Allocates once. Fork: nothing to do.
#pragma once

#include "cpython/compat.h"

namespace heapledger::cpython {

// `getter_of`: the class whose property it gets, else nullptr. False, without an exception: it is no Python function,
// or somebody else has taken its calls. Twice is a no-op.
bool take_function(PyObject* function, vectorcallfunc ours, PyObject* getter_of) noexcept;

// Calls a function that was taken.
PyObject* call_taken(PyObject* function, PyObject* const* arguments, std::size_t count, PyObject* names) noexcept;

}  // namespace heapledger::cpython
