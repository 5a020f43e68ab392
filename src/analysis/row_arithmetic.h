// Arithmetic on figures of a recording. The reader has checked their signs but not their size: a damaged or made-up
// file may hold any 64-bit value, and no sum of such values may be undefined. Sums stop at the largest value instead.
// Pure functions; no allocation; fork-safe.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace heapledger::analysis {

// Rows are signed as SQLite's integers are; a size below zero cannot be one of ours.
constexpr std::uint64_t count_of(std::int64_t value) { return value < 0 ? 0 : static_cast<std::uint64_t>(value); }

constexpr std::int64_t add_limited(std::int64_t left, std::int64_t right) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(left, right, &sum)) {
    return right < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
  }
  return sum;
}

constexpr std::int64_t subtract_limited(std::int64_t left, std::int64_t right) {
  std::int64_t difference = 0;
  if (__builtin_sub_overflow(left, right, &difference)) {
    return right < 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
  }
  return difference;
}

// A sum or level below zero, or not a number, is none.
inline double real_of(double value) { return std::isfinite(value) && value > 0 ? value : 0; }

// The nearest whole number from 0 up; what is not a number is 0.
inline std::uint64_t rounded_count(double value) {
  constexpr double kTooLarge = 18446744073709551616.0;  // 2^64
  if (!(value > 0)) {
    return 0;
  }
  const double whole = std::round(value);
  return whole >= kTooLarge ? std::numeric_limits<std::uint64_t>::max() : static_cast<std::uint64_t>(whole);
}

}  // namespace heapledger::analysis
