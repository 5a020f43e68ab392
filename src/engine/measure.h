// What the process measures of itself: resident set, live bytes, what its allocators keep, what heapledger uses.
// Taken after a request, at most once a second and so that it costs below a thousandth of the time; and at the freeze.
// Under the GIL. Reads /proc/self/statm; mallinfo2() walks glibc's bins (its cost sets the pace). No heap.
#pragma once

#include "engine/engine.h"

namespace heapledger::engine {

void sample_if_due(Engine& e) noexcept;
void take_sample(Engine& e) noexcept;

}  // namespace heapledger::engine
