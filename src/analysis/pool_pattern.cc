#include "analysis/pool_pattern.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

namespace heapledger::analysis {
namespace {

using statistics::LevelBlock;
using statistics::LevelSeries;
using statistics::LevelTurn;

constexpr std::size_t kBlocks = 8;
constexpr std::size_t kLeastSteps = 4;
constexpr double kLeastChange = 3;
constexpr double kLeastChangeRatio = 0.25;
constexpr double kLateRatio = 1.0 / 3;
constexpr std::uint64_t kCyclesOfSize = 3;
constexpr std::uint64_t kCyclesInUse = 5;
constexpr double kSlowRise = 3;
constexpr double kRiseRatio = 0.3;
constexpr double kToothlike = 0.8;
constexpr double kBurstTime = 0.2;
constexpr double kBurstHeight = 3;
constexpr double kBurstLeast = 4;
constexpr std::uint64_t kBursts = 3;
constexpr double kUneven = 2.5;

std::uint64_t level_of(std::int32_t level) { return static_cast<std::uint64_t>(std::max(0, level)); }

// `sign` 1: levels that rise; -1: that fall.
bool moves_one_way(const std::vector<std::int32_t>& levels, int sign) {
  std::size_t steps = 0;
  for (std::size_t i = 1; i < levels.size(); ++i) {
    const int step = sign * (levels[i] - levels[i - 1]);
    if (step < 0) {
      return false;
    }
    steps += step > 0 ? 1 : 0;
  }
  const double change = std::abs(static_cast<double>(levels.back()) - levels.front());
  const double late = std::abs(static_cast<double>(levels.back()) - levels[levels.size() / 2]);
  const double level = std::max(levels.front(), levels.back());
  return steps >= kLeastSteps && levels.back() != levels[levels.size() - 3] && change >= kLeastChange &&
         change >= kLeastChangeRatio * level && late >= kLateRatio * change;
}

std::optional<PoolTrend> one_way(const LevelSeries& series) {
  const std::vector<LevelBlock> blocks = series.blocks(kBlocks);
  if (blocks.size() != kBlocks) {
    return std::nullopt;
  }
  std::vector<std::int32_t> least;
  std::vector<std::int32_t> most;
  for (std::size_t i = 1; i < blocks.size(); ++i) {
    least.push_back(blocks[i].least);
    most.push_back(blocks[i].most);
  }
  PoolTrend trend;
  if (moves_one_way(least, 1)) {
    trend.pattern = PoolPattern::kGrowing;
    trend.first = level_of(least.front());
    trend.last = level_of(least.back());
    return trend;
  }
  if (moves_one_way(most, -1)) {
    trend.pattern = PoolPattern::kShrinking;
    trend.first = level_of(most.front());
    trend.last = level_of(most.back());
    return trend;
  }
  return std::nullopt;
}

// Low, high and the low after it.
bool is_tooth(const LevelTurn& low, const LevelTurn& high, const LevelTurn& next) {
  const auto rise = static_cast<double>(high.begin_us) - static_cast<double>(low.end_us);
  const auto fall = static_cast<double>(next.begin_us) - static_cast<double>(high.end_us);
  const auto cycle = static_cast<double>(next.begin_us) - static_cast<double>(low.begin_us);
  return rise >= kSlowRise * fall && rise >= kRiseRatio * cycle;
}

std::optional<PoolTrend> sawtooth(const LevelSeries& series, std::uint64_t least_cycles) {
  const double range = series.quantile(1) - series.quantile(0);
  const std::vector<LevelTurn> turns = series.turns(static_cast<std::int32_t>(std::max(2.0, std::ceil(range / 2))));
  std::uint64_t cycles = 0;
  std::uint64_t teeth = 0;
  double low = 0;
  double high = 0;
  for (std::size_t i = 0; i + 2 < turns.size(); ++i) {
    if (turns[i].level < turns[i + 1].level) {
      ++cycles;
      teeth += is_tooth(turns[i], turns[i + 1], turns[i + 2]) ? 1 : 0;
      low += turns[i].level;
      high += turns[i + 1].level;
    }
  }
  if (cycles < least_cycles || static_cast<double>(teeth) < kToothlike * static_cast<double>(cycles)) {
    return std::nullopt;
  }
  PoolTrend trend;
  trend.pattern = PoolPattern::kSawtooth;
  trend.cycles = cycles;
  trend.first = static_cast<std::uint64_t>(std::lround(low / static_cast<double>(cycles)));
  trend.last = static_cast<std::uint64_t>(std::lround(high / static_cast<double>(cycles)));
  return trend;
}

std::optional<PoolTrend> bursts(const LevelSeries& in_use) {
  const double usual = in_use.quantile(0.5);
  const double height = in_use.quantile(1);
  const double half = usual + (height - usual) / 2;
  const std::uint64_t count = in_use.rises_above(half);
  const double time = in_use.time_ratio_above(half);
  if (height < kBurstHeight * usual || height < usual + kBurstLeast || count < kBursts || time > kBurstTime ||
      in_use.dispersion() < kUneven) {
    return std::nullopt;
  }
  PoolTrend trend;
  trend.pattern = PoolPattern::kBursty;
  trend.first = static_cast<std::uint64_t>(usual);
  trend.last = static_cast<std::uint64_t>(height);
  trend.cycles = count;
  trend.time_ratio = time;
  return trend;
}

PoolTrend stable(const LevelSeries& size) {
  PoolTrend trend;
  trend.pattern = PoolPattern::kStable;
  trend.of_size = true;
  const std::vector<LevelBlock> blocks = size.blocks(kBlocks);
  std::int32_t least = blocks.empty() ? size.quantile(0) : blocks.back().least;
  std::int32_t most = blocks.empty() ? size.quantile(1) : blocks.back().most;
  for (std::size_t i = 1; i < blocks.size(); ++i) {
    least = std::min(least, blocks[i].least);
    most = std::max(most, blocks[i].most);
  }
  trend.first = level_of(least);
  trend.last = level_of(most);
  trend.from_first = blocks.empty() || (blocks.front().least >= least && blocks.front().most <= most);
  return trend;
}

PoolTrend pattern_of(const LevelSeries& size, const LevelSeries& in_use) {
  for (const LevelSeries* series : {&size, &in_use}) {
    std::optional<PoolTrend> trend = one_way(*series);
    trend = trend ? trend : sawtooth(*series, series == &size ? kCyclesOfSize : kCyclesInUse);
    if (trend) {
      trend->of_size = series == &size;
      return *trend;
    }
  }
  const std::optional<PoolTrend> trend = bursts(in_use);
  return trend ? *trend : stable(size);
}

}  // namespace

PoolTrend judge_course(const LevelSeries& size, const LevelSeries& in_use, std::uint64_t checkouts) {
  PoolTrend trend;
  if (checkouts < kLeastCheckoutsForPattern || in_use.duration_us() <= 0) {
    trend.needed = kLeastCheckoutsForPattern;
  } else {
    trend = pattern_of(size, in_use);
    trend.pools = 1;
    trend.pools_alike = 1;
  }
  trend.checkouts = checkouts;
  return trend;
}

PoolTrend combine_trends(const std::vector<PoolTrend>& trends) {
  std::map<PoolPattern, std::uint64_t> votes;
  std::map<PoolPattern, std::uint64_t> pools;
  std::uint64_t judged = 0;
  for (const PoolTrend& trend : trends) {
    if (trend.pattern != PoolPattern::kUnknown) {
      votes[trend.pattern] += trend.checkouts;
      ++pools[trend.pattern];
      ++judged;
    }
  }
  const PoolTrend* speaks = nullptr;
  for (const PoolTrend& trend : trends) {
    const auto rank = [&votes](const PoolTrend& of) { return std::pair(votes[of.pattern], of.checkouts); };
    const bool known = trend.pattern != PoolPattern::kUnknown || judged == 0;
    speaks = known && (speaks == nullptr || rank(trend) > rank(*speaks)) ? &trend : speaks;
  }
  if (speaks == nullptr) {
    PoolTrend none;
    none.needed = kLeastCheckoutsForPattern;
    return none;
  }
  PoolTrend combined = *speaks;
  combined.pools = judged;
  combined.pools_alike = pools[combined.pattern];
  return combined;
}

}  // namespace heapledger::analysis
