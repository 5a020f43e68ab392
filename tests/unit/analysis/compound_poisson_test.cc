// The inversion against laws that are known in closed form, and against simulated services whose levels are known.
#include "analysis/statistics/compound_poisson.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/math/distributions/poisson.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "analysis/statistics/level_histogram.h"

namespace heapledger::analysis::statistics {
namespace {

TEST(CompoundPoisson, PartsOfOneSizeArePoisson) {
  const std::vector<Part> parts{{10, 3.0}};
  const boost::math::poisson number(3.0);
  const LatticeLaw law = compound_poisson(parts, 100, 100);
  for (int count = 0; count <= 10; ++count) {
    EXPECT_NEAR(law.probabilities()[static_cast<std::size_t>(count) * 10], pdf(number, count), 1e-14);
  }
  EXPECT_NEAR(law.above(), cdf(complement(number, 10)), 1e-12);
}

TEST(CompoundPoisson, SmallProbabilitiesKeepTheirRelativeAccuracy) {
  const std::vector<Part> parts{{1, 2.0}};
  const boost::math::poisson number(2.0);
  const LatticeLaw law = compound_poisson(parts, 60, 60);
  EXPECT_NEAR(law.probabilities()[60] / pdf(number, 60), 1, 1e-9);
  EXPECT_NEAR(law.above() / cdf(complement(number, 60)), 1, 1e-9);
  EXPECT_LT(law.above(), 1e-60);
}

TEST(CompoundPoisson, ManyPartsDoNotUnderflow) {
  const std::vector<Part> parts{{1, 5000.0}};
  const boost::math::poisson number(5000.0);
  const LatticeLaw law = compound_poisson(parts, 5200, 5200);
  EXPECT_NEAR(law.above() / cdf(complement(number, 5200)), 1, 1e-6);
}

TEST(CompoundPoisson, WithinIsWhatOneMoreWouldLiftOver) {
  const std::vector<Part> parts{{10, 3.0}};
  const boost::math::poisson number(3.0);
  const LatticeLaw law = compound_poisson(parts, 55, 5500);
  EXPECT_NEAR(law.within(10), pdf(number, 5), 1e-12);
  EXPECT_NEAR(law.within(30), pdf(number, 5) + pdf(number, 4) + pdf(number, 3), 1e-12);
  EXPECT_NEAR(law.within(60), cdf(number, 5), 1e-12);
  EXPECT_EQ(law.within(0), 0);
}

TEST(CompoundPoisson, LevelsBetweenCellsKeepTheirMean) {
  const LatticeLaw law = compound_poisson(std::vector<Part>{{7.3, 2.0}, {0.4, 5.0}}, 200, 200);
  double mean = 0;
  for (std::size_t k = 0; k <= 200; ++k) mean += static_cast<double>(k) * law.probabilities()[k];
  EXPECT_NEAR(mean, 2 * 7.3 + 5 * 0.4, 1e-9);
}

TEST(CompoundPoisson, OneHugePartIsAboveByItsNumber) {
  const LatticeLaw law = compound_poisson(std::vector<Part>{{1000, 1e-6}}, 10, 10);
  EXPECT_NEAR(law.above() / 1e-6, 1, 1e-5);
}

TEST(FixedNumber, IsBinomialForPartsOfOneSize) {
  const LatticeLaw law = fixed_number(std::vector<Part>{{1, 0.25}}, 1, 20, 20, 20);
  EXPECT_NEAR(law.probabilities()[5], 0.20233115185692, 1e-9);
  EXPECT_NEAR(law.above(), 0, 1e-12);
}

// Requests that hold `size` for a while and a part of it for the rest; the times of all changes in order.
struct Simulated {
  double time_over = 0;
  double exceedances_per_second = 0;
};

struct Holding {
  double size;
  double seconds;
};

template <class Draw>
Simulated simulate(double per_second, double capacity, std::size_t requests, Draw draw, std::mt19937_64& random) {
  struct Change {
    double at;
    double by;
  };
  std::exponential_distribution<double> pause(per_second);
  std::vector<Change> changes;
  changes.reserve(2 * requests);
  double now = 0;
  for (std::size_t i = 0; i < requests; ++i) {
    now += pause(random);
    const Holding holding = draw(random);
    changes.push_back({now, holding.size});
    changes.push_back({now + holding.seconds, -holding.size});
  }
  std::sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) { return a.at < b.at; });
  Simulated result;
  double level = 0;
  double before = 0;
  std::size_t exceedances = 0;
  for (const Change& change : changes) {
    if (change.at > now) break;
    result.time_over += level > capacity ? change.at - before : 0;
    const bool was_over = level > capacity;
    level += change.by;
    exceedances += !was_over && level > capacity ? 1 : 0;
    before = change.at;
  }
  result.time_over /= now;
  result.exceedances_per_second = static_cast<double>(exceedances) / now;
  return result;
}

// Histograms of known laws, from their quantiles.
template <class Quantile>
void add_law(LevelHistogram& histogram, double weight, Quantile quantile) {
  constexpr int kPoints = 200'000;
  for (int i = 0; i < kPoints; ++i) histogram.add(quantile((i + 0.5) / kPoints), weight / kPoints);
}

std::vector<Part> parts_of(const LevelHistogram& histogram) {
  std::vector<Part> parts;
  for (const auto& [bin, values] : histogram.bins()) parts.push_back({values.bytes(), values.weight});
  return parts;
}

constexpr double kPerSecond = 20;
constexpr double kMeanSeconds = 0.2;

// The capacity at which the inversion says `probability`, then what the simulation says there.
template <class Quantile>
void compare(double probability, Quantile quantile, std::size_t requests, double tolerance) {
  LevelHistogram levels;
  LevelHistogram peaks;
  add_law(levels, kPerSecond * kMeanSeconds, quantile);
  add_law(peaks, 1, quantile);
  double low = 1e5;
  double high = 1e10;
  for (int step = 0; step < 40; ++step) {
    const double middle = std::sqrt(low * high);
    (compound_poisson(parts_of(levels), middle, kCoarseCells).above() > probability ? low : high) = middle;
  }
  const LatticeLaw law = compound_poisson(parts_of(levels), high);
  double exceedances = 0;
  for (const auto& [bin, peak] : peaks.bins()) exceedances += kPerSecond * peak.weight * law.within(peak.bytes());
  std::mt19937_64 random(11);
  std::exponential_distribution<double> seconds(1 / kMeanSeconds);
  std::uniform_real_distribution<double> uniform(0, 1);
  const auto draw = [&](std::mt19937_64& from) { return Holding{quantile(uniform(from)), seconds(from)}; };
  const Simulated simulated = simulate(kPerSecond, high, requests, draw, random);
  EXPECT_NEAR(law.above() / simulated.time_over, 1, tolerance) << "at " << probability;
  EXPECT_NEAR(exceedances / simulated.exceedances_per_second, 1, tolerance) << "at " << probability;
}

double light(double u) { return 1e6 * -std::log1p(-u); }            // exponential
double heavy(double u) { return 5e5 * std::pow(1 - u, -1 / 2.5); }  // Pareto, index 0.4
double equal(double /*u*/) { return 1e6; }

TEST(CompoundPoisson, MatchesSimulationOfLightTails) {
  for (const double probability : {1e-1, 1e-2, 1e-3}) compare(probability, light, 3'000'000, 0.1);
}

TEST(CompoundPoisson, MatchesSimulationOfHeavyTails) {
  for (const double probability : {1e-1, 1e-2, 1e-3}) compare(probability, heavy, 5'000'000, 0.1);
}

TEST(CompoundPoisson, MatchesSimulationOfEqualSizesBetweenWholeNumbers) {
  LevelHistogram levels;
  levels.add(equal(0), kPerSecond * kMeanSeconds);
  const LatticeLaw law = compound_poisson(parts_of(levels), 9.5e6);
  const boost::math::poisson number(kPerSecond * kMeanSeconds);
  EXPECT_NEAR(law.above() / cdf(complement(number, 9)), 1, 0.01);
  EXPECT_NEAR(law.within(1e6) / pdf(number, 9), 1, 0.01);
}

}  // namespace
}  // namespace heapledger::analysis::statistics
