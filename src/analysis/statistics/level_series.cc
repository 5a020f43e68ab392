#include "analysis/statistics/level_series.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "analysis/row_arithmetic.h"

namespace heapledger::analysis::statistics {
namespace {

double span_us(std::int64_t from_us, std::int64_t until_us) {
  return static_cast<double>(subtract_limited(until_us, from_us));
}

}  // namespace

template <class Visit>
void LevelSeries::for_each_span(Visit visit) const {
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const std::int64_t until_us = i + 1 < steps_.size() ? steps_[i + 1].at_us : end_us_;
    if (until_us > steps_[i].at_us) {
      visit(steps_[i].level, steps_[i].at_us, until_us);
    }
  }
}

void LevelSeries::add(std::int64_t at_us, std::int64_t level) {
  const auto kept =
      static_cast<std::int32_t>(std::clamp<std::int64_t>(level, 0, std::numeric_limits<std::int32_t>::max()));
  const std::int64_t in_order_us = steps_.empty() ? at_us : std::max(at_us, end_us_);
  end_us_ = in_order_us;
  if (!steps_.empty() && steps_.back().level == kept) {
    return;
  }
  if (!steps_.empty() && steps_.back().at_us == in_order_us) {
    steps_.back().level = kept;
    return;
  }
  steps_.push_back({in_order_us, kept});
}

void LevelSeries::end(std::int64_t at_us) { end_us_ = std::max(end_us_, at_us); }

void LevelSeries::lower_from(std::int64_t at_us) {
  const auto later = [](const Step& step, std::int64_t time) { return step.at_us < time; };
  auto step = std::lower_bound(steps_.begin(), steps_.end(), at_us, later);
  if (step != steps_.begin() && (step == steps_.end() || step->at_us != at_us)) {
    step = steps_.insert(step, {at_us, std::prev(step)->level});
  }
  for (; step != steps_.end(); ++step) {
    step->level = std::max(0, step->level - 1);
  }
}

std::int64_t LevelSeries::duration_us() const {
  return steps_.empty() ? 0 : subtract_limited(end_us_, steps_.front().at_us);
}

std::int32_t LevelSeries::quantile(double ratio) const {
  std::map<std::int32_t, double> times;
  double all = 0;
  for_each_span([&](std::int32_t level, std::int64_t from_us, std::int64_t until_us) {
    times[level] += span_us(from_us, until_us);
    all += span_us(from_us, until_us);
  });
  double so_far = 0;
  for (const auto& [level, time] : times) {
    so_far += time;
    if (so_far >= all * ratio) {
      return level;
    }
  }
  return times.empty() ? 0 : times.rbegin()->first;
}

double LevelSeries::dispersion() const {
  double all = 0;
  double sum = 0;
  double squares = 0;
  for_each_span([&](std::int32_t level, std::int64_t from_us, std::int64_t until_us) {
    const double time = span_us(from_us, until_us);
    all += time;
    sum += time * level;
    squares += time * level * level;
  });
  if (!(sum > 0)) {
    return 0;
  }
  const double mean = sum / all;
  return std::max(0.0, squares / all - mean * mean) / mean;
}

double LevelSeries::time_ratio_above(double level) const {
  double above = 0;
  double all = 0;
  for_each_span([&](std::int32_t at, std::int64_t from_us, std::int64_t until_us) {
    all += span_us(from_us, until_us);
    above += at > level ? span_us(from_us, until_us) : 0;
  });
  return all > 0 ? above / all : 0;
}

std::uint64_t LevelSeries::rises_above(double level) const {
  std::uint64_t rises = 0;
  bool above = false;
  for_each_span([&](std::int32_t at, std::int64_t, std::int64_t) {
    rises += !above && at > level ? 1 : 0;
    above = at > level;
  });
  return rises;
}

std::vector<LevelBlock> LevelSeries::blocks(std::size_t count) const {
  const double length = static_cast<double>(duration_us()) / static_cast<double>(count);
  if (!(length > 0)) {
    return {};
  }
  std::vector<LevelBlock> blocks(count, {std::numeric_limits<std::int32_t>::max(), 0, 0});
  const std::int64_t start_us = steps_.front().at_us;
  for_each_span([&](std::int32_t level, std::int64_t from_us, std::int64_t until_us) {
    const double from = span_us(start_us, from_us) / length;
    const double until = span_us(start_us, until_us) / length;
    for (auto i = static_cast<std::size_t>(from); i < count && static_cast<double>(i) < until; ++i) {
      const auto begin = static_cast<double>(i);
      blocks[i].least = std::min(blocks[i].least, level);
      blocks[i].most = std::max(blocks[i].most, level);
      blocks[i].mean += level * (std::min(until, begin + 1) - std::max(from, begin));
    }
  });
  return blocks;
}

// `turns.back()` is the extreme that is still moving; it is settled once the level has come back by a swing.
std::vector<LevelTurn> LevelSeries::turns(std::int32_t least_swing) const {
  std::vector<LevelTurn> turns;
  int direction = 0;
  LevelTurn low{};
  LevelTurn high{};
  const auto widen = [](LevelTurn& turn, std::int32_t level, std::int64_t from_us, std::int64_t until_us,
                        bool further) {
    if (further) {
      turn = {level, from_us, until_us};
    } else if (level == turn.level) {
      turn.end_us = until_us;
    }
  };
  bool first = true;
  for_each_span([&](std::int32_t level, std::int64_t from_us, std::int64_t until_us) {
    if (first) {
      low = high = {level, from_us, until_us};
      first = false;
    }
    widen(low, level, from_us, until_us, level < low.level);
    widen(high, level, from_us, until_us, level > high.level);
    if (direction >= 0 && level <= high.level - least_swing) {
      turns.push_back(high);
      direction = -1;
      low = {level, from_us, until_us};
    } else if (direction <= 0 && level >= low.level + least_swing) {
      turns.push_back(low);
      direction = 1;
      high = {level, from_us, until_us};
    }
  });
  if (direction != 0) {
    turns.push_back(direction > 0 ? high : low);
  }
  return turns;
}

}  // namespace heapledger::analysis::statistics
