// Reads what kinds of memory a process holds from /proc: smaps, smaps_rollup, pagemap, limits.
//
// The kernel holds the lock of a process's memory map for as long as it answers one read() of smaps (some mappings), or
// walks the pages of smaps_rollup, which gives way to others: callers pause in proportion to what a reading took.
// Needs the rights of the same user. One thread; allocates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "recording/segments.h"

namespace heapledger::recording {

struct SegmentsRead {
  std::optional<SegmentSums> sums;  // nullopt: it could not be read, or contradicted itself
  std::string failure;              // why; empty with nullopt: the process is gone
};

// `known` holds what the process reported of itself; the rest of it is asked of the system.
SegmentsRead read_segments(std::uint64_t pid, const std::string& ledger_path, KnownMemory known);

}  // namespace heapledger::recording
