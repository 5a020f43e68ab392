// Quantiles by nearest rank (definition 1 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", The American
// Statistician 50, 1996: the inverse of the empirical distribution function).
//
//   Of n ordered values x(1) <= ... <= x(n), the p % quantile is x(ceil(n p / 100)), with 0 % meaning x(1).
//
// Every quantile is a value of the sample, and at least p % of the sample is not above it. Assumes nothing about the
// distribution. Ranks are computed in integers: n p / 100 in floating point misses by one where it should be whole.
// Pure functions; thread-safe; no allocation; fork-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace heapledger::analysis::statistics {

// Rank from 1 to n. n must be at least 1, percent at most 100.
constexpr std::uint64_t nearest_rank(std::uint64_t n, std::uint64_t percent) {
  const std::uint64_t whole = n / 100 * percent;  // split, so that n * percent cannot overflow
  const std::uint64_t rest = (n % 100 * percent + 99) / 100;
  return std::max<std::uint64_t>(1, whole + rest);
}

// Puts the asked value at its place and everything not above it before it, so that a second, higher quantile need
// only look at the rest: pass the span after the previous rank. Values must be free of NaN.
template <class Value>
Value select_rank(std::span<Value> values, std::uint64_t rank, std::uint64_t settled) {
  const auto target = values.begin() + static_cast<std::ptrdiff_t>(rank - 1);
  if (rank > settled) {
    std::nth_element(values.begin() + static_cast<std::ptrdiff_t>(settled), target, values.end());
  }
  return *target;
}

}  // namespace heapledger::analysis::statistics
