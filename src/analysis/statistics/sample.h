// Values of one figure, collected one at a time and summed up as a Distribution.
//
//   mean = sum / n             sums in 64-bit extended precision (63 bits of mantissa: exact for integers to 2^63)
//   p50, p90, p95, p99         nearest rank, see quantile.h; p99 from 100 values on
//   max                        the largest value
//
// Folded values (histograms that replaced single rows) add exactly to n, sum and max, and to the percentiles as their
// bin's representative, see folded_figure.h. Costs eight bytes a single value. One thread at a time; fork-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "analysis/row_arithmetic.h"
#include "analysis/statistics/folded_figure.h"
#include "analysis/statistics/quantile.h"
#include "heapledger/recording_info.h"

namespace heapledger::analysis::statistics {

template <class Value>
class Sample {
 public:
  void add(Value value) {
    singles_.push_back(value);
    sum_ += static_cast<long double>(value);
    max_ = std::max(max_, value);
  }

  // A folded value divided by `divisor` is in the unit of the single values (a division, so that 1e6 stays exact).
  void add_folded(double sum, double max, const std::map<std::int32_t, std::int64_t>& bins, double divisor = 1) {
    for (const auto& [bin, count] : bins) {
      if (count > 0) {
        folded_[bin] += static_cast<std::uint64_t>(count);
        folded_count_ += static_cast<std::uint64_t>(count);
      }
    }
    divisor_ = divisor;
    sum_ += static_cast<long double>(sum) / static_cast<long double>(divisor);
    max_ = std::max(max_, from_real(max / divisor));
  }

  std::uint64_t count() const { return singles_.size() + folded_count_; }
  double sum() const { return static_cast<double>(sum_); }

  // Reorders the values, hence not const. All zero without a value.
  Distribution<Value> summarize() {
    Distribution<Value> result;
    const std::uint64_t n = count();
    if (n == 0) {
      return result;
    }
    result.mean = static_cast<double>(sum_ / static_cast<long double>(n));
    result.max = max_;
    if (folded_count_ != 0) {
      std::sort(singles_.begin(), singles_.end());
    }
    std::uint64_t settled = 0;
    const auto at = [&](std::uint64_t percent) { return value_at(nearest_rank(n, percent), settled); };
    result.p50 = at(50);
    result.p90 = at(90);
    result.p95 = at(95);
    if (n >= 100) {
      result.p99 = at(99);
    }
    return result;
  }

 private:
  static Value from_real(double value) {
    if constexpr (std::is_integral_v<Value>) {
      return static_cast<Value>(rounded_count(value));
    } else {
      return value;
    }
  }

  Value value_at(std::uint64_t rank, std::uint64_t& settled) {
    if (folded_count_ != 0) {
      return merged_value_at(rank);
    }
    const Value value = select_rank(std::span<Value>(singles_), rank, settled);
    settled = std::max(settled, rank);
    return value;
  }

  // Walks the sorted single values and the bins side by side.
  Value merged_value_at(std::uint64_t rank) const {
    auto single = singles_.begin();
    for (const auto& [bin, count] : folded_) {
      const Value stands_for = std::min(max_, from_real(folded_value(bin) / divisor_));
      const auto before = static_cast<std::uint64_t>(std::lower_bound(single, singles_.end(), stands_for) - single);
      if (rank <= before) {
        return *(single + static_cast<std::ptrdiff_t>(rank - 1));
      }
      rank -= before;
      single += static_cast<std::ptrdiff_t>(before);
      if (rank <= count) {
        return stands_for;
      }
      rank -= count;
    }
    return *(single + static_cast<std::ptrdiff_t>(rank - 1));
  }

  std::vector<Value> singles_;
  std::map<std::int32_t, std::uint64_t, BinOrder> folded_;
  std::uint64_t folded_count_ = 0;
  long double sum_ = 0;
  Value max_{};
  double divisor_ = 1;
};

}  // namespace heapledger::analysis::statistics
