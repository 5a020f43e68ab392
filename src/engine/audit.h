// The books against the blocks: walk the block map, sum the sizes by owner, compare with the counters.
//   balanced  <=>  for every owner: sum of its blocks' sizes == live bytes of its two banks
// Exact when no thread allocates meanwhile. Under the GIL; no heap (one mapping for the sums, given back).
#pragma once

#include "engine/engine.h"

namespace heapledger::engine {

struct Audit {
  std::uint64_t walked_bytes = 0;   // sum over the block map
  std::uint64_t counted_bytes = 0;  // sum over the owners' counters
  std::uint64_t blocks = 0;
  std::uint64_t mismatches = 0;      // owners whose sums differ
  std::uint16_t first_mismatch = 0;  // the first of them, with both its sums
  std::uint64_t first_walked_bytes = 0;
  std::uint64_t first_counted_bytes = 0;
  bool done = false;  // false: no memory for the sums
};

HL_EXPORT Audit audit(Engine& e) noexcept;

// Enter every survivor into the ledger's cohort cells. Once, at the freeze; under the GIL.
void count_survivors(Engine& e) noexcept;

// Make every owner's live bytes what the walk finds. For a fork child before it runs, and nobody else.
void settle_by_walking(Engine& e) noexcept;

}  // namespace heapledger::engine
