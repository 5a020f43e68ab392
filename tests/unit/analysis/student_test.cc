// Against tables and worked examples.
#include "analysis/statistics/student.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "analysis/statistics/poisson.h"

namespace heapledger::analysis::statistics {
namespace {

TEST(Student, QuantilesAreThoseOfTheTables) {
  EXPECT_NEAR(student_quantile(0.975, 9), 2.2622, 1e-4);
  EXPECT_NEAR(student_quantile(0.95, 4), 2.1318, 1e-4);
  EXPECT_NEAR(student_quantile(0.95, 1e6), 1.6449, 1e-4);
}

TEST(Student, AMeanWeighsItsPoints) {
  const std::array<Point, 3> points{Point{0, 2, 1}, Point{0, 4, 1}, Point{0, 9, 2}};
  const Mean mean = weighted_mean(points);
  EXPECT_DOUBLE_EQ(mean.value, 6);
  // sum w (y - m)^2 = 16 + 4 + 18 = 38; s^2 = 19; divided by the weights, 4.
  EXPECT_DOUBLE_EQ(mean.error * mean.error, 19.0 / 4);
  EXPECT_DOUBLE_EQ(mean.degrees, 2);
  EXPECT_DOUBLE_EQ(weighted_mean(points, 40).error, std::sqrt(10.0));
}

TEST(Student, ALineIsFittedByLeastSquares) {
  // y = 1 + 2x with residuals +1, -2, +1 at x = 0, 1, 2: the slope stays 2.
  const std::array<Point, 3> points{Point{0, 2}, Point{1, 1}, Point{2, 6}};
  const Trend trend = fit_trend(points);
  EXPECT_DOUBLE_EQ(trend.level, 3);
  EXPECT_DOUBLE_EQ(trend.slope, 2);
  EXPECT_DOUBLE_EQ(trend.slope_error * trend.slope_error, 6.0 / 2);
  EXPECT_DOUBLE_EQ(trend.degrees, 1);
}

TEST(Poisson, IntervalsAreGarwoods) {
  const CountInterval one = poisson_interval(1, 0.95);
  EXPECT_NEAR(one.low_ratio, 0.0253, 1e-4);
  EXPECT_NEAR(one.high_ratio, 5.5716, 1e-4);
  const CountInterval many = poisson_interval(100, 0.95);
  EXPECT_NEAR(many.low_ratio, 0.8136, 1e-4);
  EXPECT_NEAR(many.high_ratio, 1.2163, 1e-4);
  const CountInterval exact = poisson_interval(1'000'000, 0.95);
  const CountInterval normal = poisson_interval(1'000'001, 0.95);
  EXPECT_NEAR(exact.low_ratio, normal.low_ratio, 1e-5);
  EXPECT_NEAR(exact.high_ratio, normal.high_ratio, 1e-5);
}

}  // namespace
}  // namespace heapledger::analysis::statistics
