#include "analysis/statistics/block_quantile.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "analysis/statistics/student.h"

namespace heapledger::analysis::statistics {
namespace {

struct Block {
  double count = 0;
  double sum = 0;
};

// Of the ratio of sums over sums of counts.
double variance_of_ratio(const std::vector<Block>& blocks, double ratio) {
  double count = 0;
  double used = 0;
  double squares = 0;
  for (const Block& block : blocks) {
    if (block.count > 0) {
      count += block.count;
      used += 1;
      squares += std::pow(block.sum - block.count * ratio, 2);
    }
  }
  return used > 1 ? used / (used - 1) * squares / (count * count) : 0;
}

double used_blocks(const std::vector<Block>& blocks) {
  return static_cast<double>(
      std::count_if(blocks.begin(), blocks.end(), [](const Block& block) { return block.count > 0; }));
}

double value_at(std::span<const BlockedValue> sorted, double probability) {
  const auto n = static_cast<double>(sorted.size());
  // A rank that rounding lifted by less than a millionth is still the rank below.
  const double rank = std::clamp(std::ceil(n * probability - 1e-6), 1.0, n);
  return sorted[static_cast<std::size_t>(rank) - 1].value;
}

}  // namespace

Estimate block_quantile(std::span<const BlockedValue> sorted, std::uint32_t block_count, double probability,
                        double confidence_ratio) {
  const auto n = static_cast<double>(sorted.size());
  const double quantile = value_at(sorted, probability);
  std::vector<Block> blocks(block_count);
  double below = 0;
  for (const BlockedValue& each : sorted) {
    const double is_below = each.value <= quantile ? 1 : 0;
    blocks[each.block].count += 1;
    blocks[each.block].sum += is_below;
    below += is_below;
  }
  const double used = used_blocks(blocks);
  if (used < 2) {
    return {quantile, sorted.front().value, sorted.back().value};
  }
  const double binomial = probability * (1 - probability) / n;
  const double error = std::sqrt(std::max(binomial, variance_of_ratio(blocks, below / n)));
  const double reach = student_quantile(0.5 + confidence_ratio / 2, used - 1) * error;
  return {quantile, value_at(sorted, probability - reach), value_at(sorted, probability + reach)};
}

Estimate block_mean(std::span<const BlockedValue> values, std::uint32_t block_count, double confidence_ratio) {
  std::vector<Block> blocks(block_count);
  double sum = 0;
  for (const BlockedValue& each : values) {
    blocks[each.block].count += 1;
    blocks[each.block].sum += each.value;
    sum += each.value;
  }
  const double mean = sum / static_cast<double>(values.size());
  const double used = used_blocks(blocks);
  if (used < 2) {
    const auto [least, most] = std::minmax_element(
        values.begin(), values.end(), [](const BlockedValue& a, const BlockedValue& b) { return a.value < b.value; });
    return {mean, least->value, most->value};
  }
  const double reach =
      student_quantile(0.5 + confidence_ratio / 2, used - 1) * std::sqrt(variance_of_ratio(blocks, mean));
  return {mean, mean - reach, mean + reach};
}

}  // namespace heapledger::analysis::statistics
