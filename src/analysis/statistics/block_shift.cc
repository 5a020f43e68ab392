#include "analysis/statistics/block_shift.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "analysis/statistics/student.h"

namespace heapledger::analysis::statistics {
namespace {

constexpr int kMostPermutations = 9999;
constexpr int kEnoughAsLarge = 100;
constexpr double kPrecision = 1e-6;  // of a shift: a millionth of the ratio
constexpr double kSameStatistic = 1e-9;

// d at which `sign_at` turns, known to lie between; positive at low, not positive at high.
template <class Function>
double bisect(double low, double high, Function value_at) {
  while (high - low > kPrecision) {
    const double middle = low + (high - low) / 2;
    (value_at(middle) > 0 ? low : high) = middle;
  }
  return low + (high - low) / 2;
}

}  // namespace

double BlockShift::Contrast::studentised() const {
  if (variance > 0) {
    return difference / std::sqrt(variance);
  }
  return std::abs(difference) < kSameStatistic ? 0 : std::copysign(std::numeric_limits<double>::infinity(), difference);
}

BlockShift::BlockShift(std::vector<ShiftStratum> strata, std::vector<ShiftBlock> blocks)
    : strata_(std::move(strata)), blocks_(std::move(blocks)) {
  std::map<std::uint32_t, std::vector<std::uint32_t>> groups;
  const std::vector<Sum> sums = score_blocks(0);
  for (std::uint32_t i = 0; i < blocks_.size(); ++i) {
    labels_.push_back(blocks_[i].to ? 1 : 0);
    if (sums[i].count > 0) {
      (blocks_[i].to ? to_blocks_ : from_blocks_) += 1;
      groups[blocks_[i].exchange_group].push_back(i);
    }
  }
  for (auto& [group, members] : groups) {
    const auto is_to = [this](std::uint32_t block) { return labels_[block] != 0; };
    if (std::any_of(members.begin(), members.end(), is_to) && !std::all_of(members.begin(), members.end(), is_to)) {
      exchangeable_.push_back(std::move(members));
    }
  }
}

// Both samples of a stratum are walked in order, `to` moved by `shift`; equal values share their mean rank.
std::vector<BlockShift::Sum> BlockShift::score_blocks(double shift) const {
  std::vector<Sum> sums(blocks_.size());
  for (const ShiftStratum& stratum : strata_) {
    const std::size_t n = stratum.from.size();
    const std::size_t m = stratum.to.size();
    const double scale = 1.0 / static_cast<double>(n + m + 1);
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < n || j < m) {
      const bool from_first = j == m || (i < n && stratum.from[i].value <= stratum.to[j].value - shift);
      const double value = from_first ? stratum.from[i].value : stratum.to[j].value - shift;
      const std::size_t first_i = i;
      const std::size_t first_j = j;
      while (i < n && stratum.from[i].value <= value) ++i;
      while (j < m && stratum.to[j].value - shift <= value) ++j;
      const double before = static_cast<double>(first_i + first_j);
      const double equal = static_cast<double>(i - first_i + j - first_j);
      const double score = (before + (equal + 1) / 2) * scale - 0.5;
      for (std::size_t k = first_i; k < i; ++k) {
        sums[stratum.from[k].block].count += 1;
        sums[stratum.from[k].block].score += score;
      }
      for (std::size_t k = first_j; k < j; ++k) {
        sums[stratum.to[k].block].count += 1;
        sums[stratum.to[k].block].score += score;
      }
    }
  }
  return sums;
}

BlockShift::Contrast BlockShift::contrast(const std::vector<Sum>& sums, const std::vector<std::uint8_t>& to) const {
  Sum total[2];
  double blocks[2] = {0, 0};
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (sums[i].count > 0) {
      total[to[i]].count += sums[i].count;
      total[to[i]].score += sums[i].score;
      blocks[to[i]] += 1;
    }
  }
  double squares[2] = {0, 0};
  const double mean[2] = {total[0].score / total[0].count, total[1].score / total[1].count};
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const double residual = sums[i].score - sums[i].count * mean[to[i]];
    squares[to[i]] += residual * residual;
  }
  double variance[2] = {0, 0};
  double spread = 0;
  for (int side = 0; side < 2; ++side) {
    if (blocks[side] > 1) {
      variance[side] = blocks[side] / (blocks[side] - 1) * squares[side] / (total[side].count * total[side].count);
      spread += variance[side] * variance[side] / (blocks[side] - 1);
    }
  }
  const double sum = variance[0] + variance[1];
  return {mean[1] - mean[0], sum, spread > 0 ? sum * sum / spread : blocks[0] + blocks[1] - 2};
}

BlockShift::Contrast BlockShift::contrast_at(double shift) const { return contrast(score_blocks(shift), labels_); }

double BlockShift::p_value(std::mt19937_64& random) const {
  const std::vector<Sum> sums = score_blocks(0);
  const double seen = std::abs(contrast(sums, labels_).studentised());
  std::vector<std::uint8_t> permuted = labels_;
  int as_large = 0;
  int tried = 0;
  while (tried < kMostPermutations && as_large < kEnoughAsLarge) {
    for (const std::vector<std::uint32_t>& group : exchangeable_) {
      for (std::size_t i = group.size() - 1; i > 0; --i) {
        const std::size_t j = random() % (i + 1);
        std::swap(permuted[group[i]], permuted[group[j]]);
      }
    }
    ++tried;
    const double other = std::abs(contrast(sums, permuted).studentised());
    as_large += other >= seen * (1 - kSameStatistic) ? 1 : 0;
  }
  return (1.0 + as_large) / (1.0 + tried);
}

// Beyond it in either direction the samples do not overlap in any stratum.
double BlockShift::largest_shift() const {
  double largest = 0;
  for (const ShiftStratum& stratum : strata_) {
    largest = std::max({largest, std::abs(stratum.to.back().value - stratum.from.front().value),
                        std::abs(stratum.from.back().value - stratum.to.front().value)});
  }
  return largest + 1;
}

// D falls in steps: where it is 0 over a stretch, the middle of the stretch.
double BlockShift::shift() const {
  const double end = largest_shift();
  const double low = bisect(-end, end, [this](double d) { return contrast_at(d).difference - kSameStatistic; });
  const auto not_below = [this](double d) { return contrast_at(d).difference + kSameStatistic; };
  double stretch = kPrecision;
  while (low + stretch < end && not_below(low + stretch) > 0) {
    stretch *= 2;
  }
  return low + (bisect(0, stretch, [&](double reach) { return not_below(low + reach); }) / 2);
}

double BlockShift::bound(double shift, double confidence_ratio, double direction) const {
  const auto is_plausible = [&](double d) {
    const Contrast at = contrast_at(d);
    return std::abs(at.studentised()) <= student_quantile(0.5 + confidence_ratio / 2, at.degrees);
  };
  const double end = largest_shift();
  double inside = 0;
  double outside = 0.01;
  while (outside < end && is_plausible(shift + direction * outside)) {
    inside = outside;
    outside *= 2;
  }
  outside = std::min(outside, end);
  return shift + direction * bisect(inside, outside,
                                    [&](double reach) { return is_plausible(shift + direction * reach) ? 1.0 : -1.0; });
}

Estimate BlockShift::interval(double shift, double confidence_ratio) const {
  return {shift, bound(shift, confidence_ratio, -1), bound(shift, confidence_ratio, 1)};
}

bool BlockShift::is_within(double margin, double confidence_ratio) const {
  const Contrast above = contrast_at(-margin);
  const Contrast below = contrast_at(margin);
  return above.studentised() > student_quantile(confidence_ratio, above.degrees) &&
         below.studentised() < -student_quantile(confidence_ratio, below.degrees);
}

}  // namespace heapledger::analysis::statistics
