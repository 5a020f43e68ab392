// Module function mark(function, phase, getter_of): while the function runs, the running request is in the phase.
//
// The object stays what it is (taken_function.h, taken_builtin.h). Outside of a request, and where nothing is recorded,
// a call only costs the question. Frames, results and exceptions are the function's. GIL held. A call allocates
// nothing.
#pragma once

#include "cpython/compat.h"

namespace heapledger::cpython {

PyObject* mark(PyObject* module, PyObject* arguments);

}  // namespace heapledger::cpython
