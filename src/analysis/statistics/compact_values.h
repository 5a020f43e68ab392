// Many whole numbers, most of them below 2^32: four bytes each, in blocks, so that growing copies nothing.
// One thread at a time; fork-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <span>
#include <unordered_map>
#include <vector>

#include "analysis/statistics/quantile.h"
#include "heapledger/recording_info.h"

namespace heapledger::analysis::statistics {

class CompactValues {
 public:
  void add(std::uint64_t value) {
    if (value >= kLarge) {
      large_[small_.size()] = value;
    }
    small_.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(value, kLarge)));
    sum_ += static_cast<long double>(value);
    max_ = std::max(max_, value);
  }

  std::size_t size() const { return small_.size(); }
  std::uint64_t operator[](std::size_t i) const { return small_[i] < kLarge ? small_[i] : large_.at(i); }
  std::uint64_t max() const { return max_; }
  long double sum() const { return sum_; }

  // As Sample::summarize() has it, see sample.h.
  IntegerDistribution summarize() const {
    return large_.empty() ? summary_of<std::uint32_t>() : summary_of<std::uint64_t>();
  }

 private:
  static constexpr std::uint32_t kLarge = std::numeric_limits<std::uint32_t>::max();

  template <class Value>
  IntegerDistribution summary_of() const {
    IntegerDistribution result;
    const std::uint64_t n = size();
    if (n == 0) {
      return result;
    }
    std::vector<Value> values;
    values.reserve(n);
    for (std::size_t i = 0; i < n; ++i) {
      values.push_back(static_cast<Value>((*this)[i]));
    }
    std::uint64_t settled = 0;
    const auto at = [&](std::uint64_t percent) -> std::uint64_t {
      const std::uint64_t rank = nearest_rank(n, percent);
      const Value value = select_rank(std::span<Value>(values), rank, settled);
      settled = std::max(settled, rank);
      return value;
    };
    result.mean = static_cast<double>(sum_ / static_cast<long double>(n));
    result.p50 = at(50);
    result.p90 = at(90);
    result.p95 = at(95);
    if (n >= 100) {
      result.p99 = at(99);
    }
    result.max = max_;
    return result;
  }

  std::deque<std::uint32_t> small_;
  std::unordered_map<std::size_t, std::uint64_t> large_;  // by position
  long double sum_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace heapledger::analysis::statistics
