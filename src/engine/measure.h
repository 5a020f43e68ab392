// What the process measures of itself: resident set, live bytes, what its allocators keep, what heapledger uses.
// Taken after a request, at most once a second and so that it costs below a thousandth of the time; and at the freeze.
// Under the GIL. Reads /proc/self/statm; mallinfo2() walks glibc's bins (its cost sets the pace). No heap.
#pragma once

#include "engine/engine.h"

namespace heapledger::engine {

void sample_if_due(Engine& e) noexcept;
// What heapledger itself holds. An upper bound: pages that were only read count, where a walk has come along.
std::uint64_t own_bytes(Engine& e) noexcept;
// `own`: from before a walk of the block maps, which reads every page of them.
void take_sample(Engine& e, std::uint64_t own) noexcept;

}  // namespace heapledger::engine
