// The process's highest moment and who was in flight then. The level is the sum of the owners' levels as of their last
// fold: within one window step of each owner's true level. A new snapshot is taken when the level has grown by
// max(64 KiB, 1/64) over the last one, so that a process growing to 1 GiB takes some 400.
// Under the GIL. Never allocates.
#pragma once

#include <algorithm>

#include "engine/engine.h"

namespace heapledger::engine {

inline bool peak_is_due(const Engine& e) noexcept {
  const std::int64_t last = e.peak_snapshot_bytes;
  return e.process_level_bytes > last + std::max(std::int64_t{64} * 1024, last / 64);
}

void snapshot_peak(Engine& e) noexcept;

}  // namespace heapledger::engine
