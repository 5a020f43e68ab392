// Taking the calls of a built-in function, as taken_function.h does of Python's: the object stays the one that it is.
//
// Its vectorcall field is ours from then on. Since 3.11 the interpreter reads how a built-in function is called from
// the flags of its definition and then calls the C function itself; Cython does, too. So it gets a copy of the
// definition whose flags name no convention: everybody calls through the field. The C function stays in it, as what
// hash and equality of the object go by. GIL held. Allocates one definition for each, which is never freed. Fork:
// nothing to do.
#pragma once

#include "cpython/compat.h"

namespace heapledger::cpython {

// For calls through `ours`. False, without an exception: it is none that this works for. Twice is a no-op.
bool take_builtin(PyObject* function, vectorcallfunc ours, long phase) noexcept;

// Of one that was taken.
long phase_of_builtin(PyObject* function) noexcept;
PyObject* call_builtin(PyObject* function, PyObject* const* arguments, std::size_t count, PyObject* names) noexcept;

}  // namespace heapledger::cpython
