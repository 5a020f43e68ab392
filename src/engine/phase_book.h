// The state behind engine/phases.h, one an owner, in the engine's private memory.
#pragma once

#include <cstdint>

#include "ledger/layout_payload.h"

namespace heapledger::engine {

struct PhaseBook {
  struct Sum {
    std::int64_t allocated_bytes;  // below zero only while a block of it was re-owned
    std::int64_t peak_bytes;
    std::uint64_t ns;
  };
  Sum sums[ledger::kPhases];
  std::int64_t highest_bytes;      // since the last change of phase, as far as folds have seen it (engine/books.h)
  std::uint64_t marked_allocated;  // at the last change
  std::uint64_t marked_ns;
  ledger::Phase current;
  ledger::Phase base;
  ledger::Phase outermost;  // valid while `visited`
  bool visited;
  bool reading;
  bool seen;
  bool held;  // the body was asked for whole
};

}  // namespace heapledger::engine
