// The ledger's records about versions: what code took that is only there for compatibility. Part of ledger/layout.h,
// whose guarantees and markings hold here.
#pragma once

#include <cstdint>

namespace heapledger::ledger {

inline constexpr std::uint32_t kCompatMarks = 24;
inline constexpr std::uint32_t kLongestNotice = 128;  // of each of the headers Deprecation and Sunset
inline constexpr std::uint32_t kLongestMarkName = 1024;

// One name in one endpoint, summed over its calls.
struct CompatMark {
  std::uint32_t name_offset;  // string heap
  std::uint32_t name_bytes;
  std::uint32_t endpoint;
  std::uint32_t reserved;
  std::uint64_t calls;
  std::uint64_t allocated_bytes;
  std::uint64_t peak_bytes;  // by how much one call lifted the peak of its request, at most
  std::uint64_t duration_ns;
};
static_assert(sizeof(CompatMark) == 48);

}  // namespace heapledger::ledger
