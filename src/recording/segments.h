// What kind of memory each mapping of a process is, and the sums by kind.
//
// No label is a guess. A mapping is told by its name, by the file behind it, by the engine's mark, by addresses that
// the process itself reported, or by a structure that only the C library makes:
//   a heap of one of its threads   begins at a multiple of 64 MiB and is followed by inaccessible memory up to the next
//   a thread's stack               is as large as RLIMIT_STACK says, above one inaccessible page
// What none of these tells is kOtherAnonymous. Where the kernel has joined one of these with memory beside it into one
// mapping, `count` looks at the pages of the part; when it cannot, the whole mapping is kOtherAnonymous.
// Every mapping is counted once, so that the sums over kinds are the sums over mappings. Pure; allocates.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "recording/rows.h"
#include "recording/smaps.h"

namespace heapledger::recording {

struct AddressRange {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
};

// What is known about a process beside the text of its mappings.
struct KnownMemory {
  std::vector<AddressRange> python_arenas;
  AddressRange own;               // the engine's static memory
  std::uint64_t stack_bytes = 0;  // of a thread by default; 0: not known
  std::uint64_t page_bytes = 4096;
};

struct PageCount {
  std::uint64_t resident_bytes = 0;
  std::uint64_t private_bytes = 0;
};
using CountPages = std::function<std::optional<PageCount>(AddressRange)>;

struct SegmentSums {
  struct Sum {
    std::uint64_t rss_bytes = 0;
    std::uint64_t shared_bytes = 0;
    std::uint64_t private_bytes = 0;
  };
  std::array<Sum, kSegmentKinds> kinds{};
  std::uint64_t rss_bytes = 0;
  std::uint64_t pss_bytes = 0;
};

SegmentSums sum_segments(const std::vector<Mapping>& mappings, const KnownMemory& known, const CountPages& count);

}  // namespace heapledger::recording
