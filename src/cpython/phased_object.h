// The Phased type: a callable in the place of one of the service's, which marks a phase of the running request while it
// is called. In every other respect it is that callable: attributes, signature, pickle and binding as a method are its.
//
// Outside of a request, and where nothing is recorded, it only calls. Frames, results and exceptions are the
// callable's. GIL held everywhere. A call allocates nothing.
#pragma once

#include "cpython/compat.h"

namespace heapledger::cpython {

extern PyTypeObject PhasedType;

// False: exception set.
bool prepare_phased_type() noexcept;

}  // namespace heapledger::cpython
