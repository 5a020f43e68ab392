// Histograms of levels, curves, tails and quantile lines, on values whose answers are known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "analysis/body_limit.h"
#include "analysis/level_curve.h"
#include "analysis/statistics/level_histogram.h"
#include "analysis/statistics/quantile_line.h"
#include "analysis/statistics/tail_index.h"

namespace heapledger::analysis {
namespace {

using statistics::LevelHistogram;
using testing::HasSubstr;

TEST(LevelHistogram, KeepsWeightAndIntegralExactly) {
  LevelHistogram histogram;
  histogram.add(1000, 0.5);
  histogram.add(1001, 1.5);
  histogram.add(0.5, 7);
  EXPECT_DOUBLE_EQ(histogram.weight(), 2);
  EXPECT_DOUBLE_EQ(histogram.weighted_bytes(), 500 + 1001 * 1.5);
  ASSERT_EQ(histogram.bins().size(), 1U);
  EXPECT_DOUBLE_EQ(histogram.bins().begin()->second.bytes(), (500 + 1001 * 1.5) / 2);
}

TEST(LevelHistogram, MergesByAdding) {
  LevelHistogram one;
  one.add(4096, 1);
  LevelHistogram both;
  both.add(one, 3);
  both.add(one);
  EXPECT_DOUBLE_EQ(both.weight(), 4);
}

double integral(const LevelCurve& curve) {
  const double sum = std::accumulate(curve.levels.begin(), curve.levels.end(), 0.0);
  return (curve.rectangle ? curve.levels[0] : sum) * curve.part_seconds;
}

TEST(LevelCurve, ItsIntegralIsTheRowsByteSeconds) {
  const LevelCurve curve = level_curve(1500, 900, 1, std::int64_t{0x0123456789ABCDEF});
  EXPECT_NEAR(integral(curve), 900, 1e-9);
  for (const double level : curve.levels) EXPECT_LE(level, 1500);
}

TEST(LevelCurve, NoLevelIsAboveThePeakEvenWhereRoundingWouldPutItThere) {
  const LevelCurve curve = level_curve(100, 99, 1, std::int64_t{-1});
  EXPECT_NEAR(integral(curve), 99, 1e-9);
  const LevelCurve uneven = level_curve(100, 52, 1, static_cast<std::int64_t>(0xFFFFFFFF00000000U));
  EXPECT_NEAR(integral(uneven), 52, 1e-9);
  EXPECT_DOUBLE_EQ(uneven.levels[0], 100);
}

TEST(LevelCurve, ACurveOfNothingIsFlat) {
  const LevelCurve curve = level_curve(1000, 16, 1, 0);
  for (const double level : curve.levels) EXPECT_DOUBLE_EQ(level, 16);
}

TEST(LevelCurve, WithoutOneItIsARectangleAtThePeak) {
  const LevelCurve curve = level_curve(1000, 250, 1, std::nullopt);
  EXPECT_TRUE(curve.rectangle);
  EXPECT_DOUBLE_EQ(curve.part_seconds, 0.25);
  EXPECT_DOUBLE_EQ(integral(level_curve(1000, 4000, 1, 5)), 4000);
  EXPECT_DOUBLE_EQ(integral(level_curve(0, 0, 0, 5)), 0);
}

std::vector<double> values_of(double (*quantile)(double), std::size_t count) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<double> values(count);
  for (double& value : values) value = quantile(uniform(random));
  return values;
}

TEST(Tail, FindsThePowerOfAParetoLaw) {
  for (const double index : {0.4, 1.2}) {
    std::vector<double> values = values_of([](double u) { return 1 / (1 - u); }, 20'000);
    for (double& value : values) value = std::pow(value, index);
    const auto tail = statistics::fit_tail(values);
    ASSERT_TRUE(tail);
    EXPECT_NEAR(tail->index, index, 3 * tail->error);
    const double x = std::pow(1000, index);
    EXPECT_NEAR(tail->above(x) / 1e-3, 1, 0.3);
  }
}

TEST(Tail, OfAnExponentialIsAboutZeroAndOfABoundedLawBelow) {
  std::vector<double> light = values_of([](double u) { return 10 - std::log1p(-u); }, 50'000);
  const auto exponential = statistics::fit_tail(light);
  ASSERT_TRUE(exponential);
  EXPECT_NEAR(exponential->index, 0, 0.12);
  std::vector<double> even = values_of([](double u) { return 1 + u; }, 50'000);
  const auto bounded = statistics::fit_tail(even);
  ASSERT_TRUE(bounded);
  EXPECT_LT(bounded->index, -0.5);
  EXPECT_EQ(bounded->above(10), 0);
}

TEST(Tail, NeedsEnoughValuesThatDiffer) {
  std::vector<double> few(249, 1);
  few[0] = 2;
  EXPECT_FALSE(statistics::fit_tail(few));
  std::vector<double> same(10'000, 5);
  EXPECT_FALSE(statistics::fit_tail(same));
}

TEST(QuantileLine, FindsTheLineThatAShareOfThePointsDoNotExceed) {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<statistics::QuantilePoint> points;
  for (int i = 0; i < 2000; ++i) {
    const double x = uniform(random) * 1000;
    points.push_back({x, 500 + 8 * x * uniform(random)});
  }
  const statistics::QuantileLine line = statistics::fit_quantile_line(points, 0.99);
  EXPECT_NEAR(line.slope, 7.92, 0.15);
  std::size_t above = 0;
  for (const auto& point : points) above += point.y > line.level + line.slope * point.x ? 1 : 0;
  EXPECT_LE(above, 20U);
}

std::vector<statistics::QuantilePoint> bodies(double base, double factor, std::size_t count) {
  std::vector<statistics::QuantilePoint> points;
  for (std::size_t i = 1; i <= count; ++i) {
    const double size = static_cast<double>(i) * 1000;
    points.push_back({size, base + factor * size});
  }
  return points;
}

TEST(SafeBody, IsTheRoomDividedByTheAmplification) {
  const SafeBody limit = body_limit(bodies(10'000, 8, 100), 1'610'000, 2);
  ASSERT_TRUE(limit.max_bytes);
  EXPECT_NEAR(static_cast<double>(*limit.max_bytes), (1'610'000 / 2.0 - 10'000) / 8, 200);
  EXPECT_EQ(limit.largest_bytes, 100'000U);
}

TEST(SafeBody, SaysWhyThereIsNone) {
  EXPECT_THAT(body_limit({}, 1e6, 1).reason, HasSubstr("no bodies"));
  EXPECT_THAT(body_limit(bodies(0, 8, 49), 1e6, 1).reason, HasSubstr("49 bodies, needs about 50"));
  EXPECT_THAT(body_limit(bodies(1e6, 0, 100), 1e9, 1).reason, HasSubstr("does not depend"));
  EXPECT_THAT(body_limit(bodies(0, 8, 100), 1e9, 1).reason, HasSubstr("beyond the largest"));
  EXPECT_THAT(body_limit(bodies(1e6, 8, 100), 1e5, 1).reason, HasSubstr("not even"));
  EXPECT_THAT(body_limit(std::vector<statistics::QuantilePoint>(60, {5, 7}), 1e5, 1).reason, HasSubstr("one size"));
}

}  // namespace
}  // namespace heapledger::analysis
