// Module functions: what a service says of its versions (engine/marks.h). GIL held.
#pragma once

#include "cpython/compat.h"

namespace heapledger::cpython {

PyObject* note_end_of_life(PyObject* module, PyObject* arguments);
PyObject* enter_compat(PyObject* module, PyObject* unused);
PyObject* leave_compat(PyObject* module, PyObject* arguments);

}  // namespace heapledger::cpython
