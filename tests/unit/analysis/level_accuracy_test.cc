// What a request's curve of sixteen levels loses against its exact levels, in a capacity model.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "analysis/level_curve.h"
#include "analysis/statistics/compound_poisson.h"
#include "analysis/statistics/level_histogram.h"

namespace heapledger::analysis {
namespace {

using statistics::LevelHistogram;

struct Stretch {
  double bytes;
  double seconds;
};

// As the engine makes it: the mean of each sixteenth, in fifteenths of the peak, the first part highest.
std::int64_t curve_of(const std::vector<Stretch>& stretches, double duration, double peak) {
  std::uint64_t bits = 0;
  for (int part = 0; part < 16; ++part) {
    const double from = part * duration / 16;
    const double until = from + duration / 16;
    double at = 0;
    double held = 0;
    for (const Stretch& stretch : stretches) {
      held += stretch.bytes * std::max(0.0, std::min(until, at + stretch.seconds) - std::max(from, at));
      at += stretch.seconds;
    }
    bits = bits << 4U | static_cast<std::uint64_t>(std::min(held / (duration / 16) / peak * 15 + 0.5, 15.0));
  }
  return static_cast<std::int64_t>(bits);
}

struct Compared {
  LevelHistogram exact;
  LevelHistogram derived;
  LevelHistogram peaks;
};

template <class Shape>
Compared compare(Shape shape) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> uniform(0, 1);
  Compared result;
  constexpr int kRequests = 20'000;
  for (int i = 0; i < kRequests; ++i) {
    const std::vector<Stretch> stretches = shape(uniform, random);
    double duration = 0;
    double byte_seconds = 0;
    double peak = 0;
    for (const Stretch& stretch : stretches) {
      duration += stretch.seconds;
      byte_seconds += stretch.bytes * stretch.seconds;
      peak = std::max(peak, stretch.bytes);
      result.exact.add(stretch.bytes, stretch.seconds / kRequests);
    }
    const LevelCurve curve = level_curve(peak, byte_seconds, duration, curve_of(stretches, duration, peak));
    visit_levels(curve, [&](double bytes, double seconds) { result.derived.add(bytes, seconds / kRequests); });
    result.peaks.add(peak, 1.0 / kRequests);
  }
  return result;
}

struct Answer {
  double over;
  double exceedances;
};

Answer ask(const LevelHistogram& levels, const LevelHistogram& peaks, double per_second, double capacity) {
  std::vector<statistics::Part> parts;
  for (const auto& [bin, values] : levels.bins()) parts.push_back({values.bytes(), values.weight * per_second});
  const statistics::LatticeLaw law = statistics::compound_poisson(parts, capacity);
  double lifts = 0;
  for (const auto& [bin, values] : peaks.bins()) lifts += per_second * values.weight * law.within(values.bytes());
  return {law.above(), lifts};
}

// Reads a body, holds what it made of it, sends it away bit by bit: levels that last.
std::vector<Stretch> steps(std::uniform_real_distribution<double>& uniform, std::mt19937_64& random) {
  const double size = 1e6 * (0.2 - std::log1p(-uniform(random)));
  return {{size * 0.1, 0.05 * (1 + uniform(random))}, {size, 0.1 * (1 + uniform(random))}, {size * 0.4, 0.07}};
}

std::vector<Stretch> spike(std::uniform_real_distribution<double>& uniform, std::mt19937_64& random) {
  const double size = 1e6 * (0.5 + uniform(random));
  return {{size, 0.1}, {5 * size, 0.002}, {size, 0.098}};
}

TEST(LevelAccuracy, OfRequestsWhoseLevelsLastIsWithinATenth) {
  const Compared compared = compare(steps);
  EXPECT_NEAR(compared.derived.weighted_bytes() / compared.exact.weighted_bytes(), 1, 1e-9);
  for (const double capacity : {8e6, 12e6, 16e6}) {
    const Answer exact = ask(compared.exact, compared.peaks, 20, capacity);
    const Answer derived = ask(compared.derived, compared.peaks, 20, capacity);
    EXPECT_NEAR(derived.over / exact.over, 1, 0.1) << capacity;
    EXPECT_NEAR(derived.exceedances / exact.exceedances, 1, 0.1) << capacity;
  }
}

TEST(LevelAccuracy, OfASpikeTheExceedancesHoldWhereTheTimeOverDoesNot) {
  const Compared compared = compare(spike);
  const Answer exact = ask(compared.exact, compared.peaks, 20, 12e6);
  const Answer derived = ask(compared.derived, compared.peaks, 20, 12e6);
  EXPECT_NEAR(derived.exceedances / exact.exceedances, 1, 0.15);
  EXPECT_LT(derived.over, exact.over);
}

}  // namespace
}  // namespace heapledger::analysis
