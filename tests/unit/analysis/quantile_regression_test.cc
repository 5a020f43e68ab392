#include "analysis/statistics/quantile_regression.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "analysis/statistics/lack_of_fit.h"

namespace heapledger::analysis::statistics {
namespace {

using Rows = std::vector<RegressionRow>;

double loss_of(const Rows& rows, double tau, double constant, double first, double second) {
  double loss = 0;
  for (const RegressionRow& row : rows) {
    const double residual = row.y - constant - first * row.x[0] - second * row.x[1];
    loss += residual * (tau - (residual < 0 ? 1 : 0));
  }
  return loss;
}

// The least loss over all lines through two rows: one of them is an optimum.
double least_loss(const Rows& rows, double tau) {
  double least = 1e300;
  for (const RegressionRow& a : rows) {
    for (const RegressionRow& b : rows) {
      if (a.x[0] == b.x[0]) continue;
      const double slope = (a.y - b.y) / (a.x[0] - b.x[0]);
      least = std::min(least, loss_of(rows, tau, a.y - slope * a.x[0], slope, 0));
    }
  }
  return least;
}

TEST(QuantileRegression, FindsTheLeastLossOfAllLines) {
  std::mt19937_64 random(11);
  for (int trial = 0; trial < 200; ++trial) {
    const double tau = trial % 3 == 0 ? 0.5 : trial % 3 == 1 ? 0.25 : 0.9;
    Rows rows;
    for (int i = 0; i < 5 + trial % 30; ++i) {
      // Few values, so that many rows tie.
      rows.push_back({{static_cast<double>(random() % 7 * 1000), 0}, static_cast<double>(random() % 9 * 500)});
    }
    const auto fit = QuantileRegression(rows, 1, tau).fit();
    const double least = least_loss(rows, tau);
    if (!fit) {
      EXPECT_EQ(least, 1e300);
      continue;
    }
    // Ties are broken by less than a quarter of a byte a row.
    EXPECT_NEAR(loss_of(rows, tau, fit->constant, fit->slopes[0], 0), least, 0.25 * static_cast<double>(rows.size()));
  }
}

TEST(QuantileRegression, TwoVariablesBeatEveryNeighbour) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> noise(0, 3000);
  Rows rows;
  for (int i = 0; i < 400; ++i) {
    const auto in = static_cast<double>(random() % 100'000);
    const auto out = static_cast<double>(random() % 50'000);
    rows.push_back({{in, out}, std::floor(20'000 + 8 * in + 2 * out + noise(random))});
  }
  const auto fit = QuantileRegression(rows, 2).fit();
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->slopes[0], 8, 0.05);
  EXPECT_NEAR(fit->slopes[1], 2, 0.05);
  const double best = loss_of(rows, 0.5, fit->constant, fit->slopes[0], fit->slopes[1]);
  for (const double by : {-1.0, 1.0}) {
    EXPECT_LE(best - 100, loss_of(rows, 0.5, fit->constant + 100 * by, fit->slopes[0], fit->slopes[1]));
    EXPECT_LE(best - 100, loss_of(rows, 0.5, fit->constant, fit->slopes[0] + 0.01 * by, fit->slopes[1]));
    EXPECT_LE(best - 100, loss_of(rows, 0.5, fit->constant, fit->slopes[0], fit->slopes[1] + 0.01 * by));
  }
}

TEST(QuantileRegression, WithoutNoiseTheIntervalIsThePoint) {
  Rows rows;
  for (int i = 0; i < 300; ++i) rows.push_back({{i % 7 * 1000.0, 0}, 10e6 + 8.0 * (i % 7 * 1000)});
  const QuantileRegression regression(rows, 1);
  const auto fit = regression.fit();
  ASSERT_TRUE(fit);
  const auto interval = regression.interval(0, *fit, 0.95);
  ASSERT_TRUE(interval);
  EXPECT_NEAR(fit->constant, 10e6, 0.5);
  EXPECT_NEAR(fit->slopes[0], 8, 1e-4);
  EXPECT_NEAR(interval->low, 8, 1e-4);
  EXPECT_NEAR(interval->high, 8, 1e-4);
}

TEST(QuantileRegression, HasNoneWhereTheRowsSettleNothing) {
  EXPECT_FALSE(QuantileRegression(Rows{}, 1).fit());
  EXPECT_FALSE(QuantileRegression(Rows(50, {{512, 0}, 4096}), 1).fit());
  Rows together;
  for (int i = 0; i < 50; ++i) together.push_back({{1.0 * i, 2.0 * i}, 10.0 * i});
  EXPECT_FALSE(QuantileRegression(together, 2).fit());
  // One row far away can reject no slope.
  Rows lonely(99, {{0, 0}, 1000});
  lonely.push_back({{1e6, 0}, 8e6});
  const QuantileRegression regression(lonely, 1);
  ASSERT_TRUE(regression.fit());
  EXPECT_FALSE(regression.interval(0, *regression.fit(), 0.95));
}

struct Coverage {
  int covered = 0;
  int absent = 0;
};

Coverage cover(std::size_t variables, bool growing_noise, int trials) {
  std::mt19937_64 random(variables * 2 + (growing_noise ? 1 : 0));
  std::normal_distribution<double> normal;
  std::lognormal_distribution<double> size(10, 1);
  Coverage result;
  for (int trial = 0; trial < trials; ++trial) {
    Rows rows;
    for (int i = 0; i < 150; ++i) {
      const double in = std::floor(size(random));
      const double out = std::floor(size(random));
      const double spread = growing_noise ? 500 + 0.3 * in : 10'000;
      rows.push_back(
          {{in, out}, std::floor(50'000 + 8 * in + (variables == 2 ? 3 * out : 0) + spread * normal(random))});
    }
    const QuantileRegression regression(rows, variables);
    const auto interval = regression.interval(0, *regression.fit(), 0.95);
    result.absent += interval ? 0 : 1;
    result.covered += interval && interval->low <= 8 && 8 <= interval->high ? 1 : 0;
  }
  return result;
}

// Nominal 95 %: of 300, 275 and fewer would come up once in a thousand times.
TEST(QuantileRegression, IntervalsCoverTheTruthAlsoWhereNoiseGrows) {
  for (const std::size_t variables : {1U, 2U}) {
    for (const bool growing : {false, true}) {
      const Coverage coverage = cover(variables, growing, 300);
      EXPECT_LE(coverage.absent, 15);  // one row weighs as much as all others
      EXPECT_GT(coverage.covered + coverage.absent, 275) << variables << growing;
      EXPECT_LT(coverage.covered, 300);
    }
  }
}

std::vector<FittedRow> rows_along(double (*bend)(double), std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> noise(0, 2000);
  std::vector<FittedRow> rows;
  for (int i = 0; i < 400; ++i) {
    const double x = static_cast<double>(random() % 100'000);
    rows.push_back({x, 100'000 + 2 * x, bend(x) + noise(random)});
  }
  return rows;
}

TEST(LackOfFit, TellsCurvesFromLines) {
  int rejected = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    rejected += follows_line(rows_along([](double) { return 0.0; }, seed)) == false ? 1 : 0;
  }
  EXPECT_EQ(rejected, 0);
  const auto bent = [](double x) { return (x > 50'000 ? 1.5 : -1.5) * std::abs(x - 50'000) - 37'500; };
  EXPECT_EQ(follows_line(rows_along(bent, 1)), false);
  // Significant, but of no weight: less than a twentieth.
  EXPECT_EQ(follows_line(rows_along([](double x) { return x > 90'000 ? 5000.0 : 0.0; }, 1)), true);
}

TEST(LackOfFit, NeedsThreeGroupsOfSizes) {
  std::vector<FittedRow> rows;
  for (int i = 0; i < 100; ++i) rows.push_back({i % 2 * 1000.0, 5000, 0});
  EXPECT_EQ(follows_line(rows), std::nullopt);
  EXPECT_EQ(follows_line({}), std::nullopt);
  for (int i = 0; i < 50; ++i) rows.push_back({2000, 5000, 0});
  EXPECT_EQ(follows_line(rows), true);
}

}  // namespace
}  // namespace heapledger::analysis::statistics
