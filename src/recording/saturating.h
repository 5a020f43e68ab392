// A hostile or torn ledger may claim anything; SQLite's integers end at 2^63 - 1, and figures before: what is larger
// than kLargestFigure cannot have been. Constant expressions; thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace heapledger::recording {

// Of bytes, counts and microseconds: no address space is larger than 64 PiB, and as much is allocated at 1 GB/s in two
// years.
inline constexpr std::int64_t kLargestFigure = std::int64_t{1} << 56;

inline std::int64_t stored_size(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(value, kLargestFigure));
}

inline std::int64_t stored_time(std::uint64_t unix_ns) noexcept {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(unix_ns, std::numeric_limits<std::int64_t>::max()));
}

inline std::int64_t saturating_add(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return a < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
}

inline std::int64_t saturating_subtract(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t difference = 0;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return a < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
}

}  // namespace heapledger::recording
