// Figures with known answers: Erlang's tables, tails, levels that change in steps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "analysis/statistics/erlang.h"
#include "analysis/statistics/level_series.h"
#include "analysis/statistics/tail.h"

namespace heapledger::analysis::statistics {
namespace {

TEST(Erlang, ProbabilitiesOfWaitingAreThoseOfTheTables) {
  EXPECT_NEAR(probability_of_waiting(1, 0.5), 0.5, 1e-12);       // M/M/1: the load itself
  EXPECT_NEAR(probability_of_waiting(2, 1.0), 1.0 / 3, 1e-12);   // a^2 / (2 + a) with a = 1
  EXPECT_NEAR(probability_of_waiting(10, 5.0), 0.036105, 1e-6);  // C(10, 5)
  EXPECT_NEAR(probability_of_waiting(4, 4.0), 1, 1e-12);
  EXPECT_EQ(probability_of_waiting(3, 0), 0);
  EXPECT_EQ(probability_of_waiting(0, 1), 1);
}

TEST(Erlang, ServersNeededAreTheLeastThatSuffice) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> loads(0.001, 200);
  for (int i = 0; i < 200; ++i) {
    const double load = loads(random);
    const std::uint64_t servers = servers_needed(load, 0.01);
    EXPECT_LE(probability_of_waiting(servers, load), 0.01);
    EXPECT_TRUE(servers == 1 || probability_of_waiting(servers - 1, load) > 0.01) << load;
  }
  EXPECT_EQ(servers_needed(0, 0.01), 1U);
  EXPECT_EQ(servers_needed(std::nan(""), 0.01), 1U);
}

TEST(Tail, OneKindOfDurationReachesItsThresholdAsRarelyAsItSays) {
  std::mt19937_64 random(11);
  std::exponential_distribution<double> exponential(10);
  std::lognormal_distribution<double> lognormal(-4, 1);
  int reached = 0;
  constexpr int kRuns = 500;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<double> seconds(200);
    const bool even = run % 2 == 0;
    for (double& value : seconds) value = even ? exponential(random) : lognormal(random);
    const double threshold = *tail_threshold(seconds, 0.01);
    for (int more = 0; more < 200; ++more) reached += (even ? exponential(random) : lognormal(random)) > threshold;
  }
  EXPECT_LE(reached, kRuns * 3 / 100);
}

TEST(Tail, IsTwiceTheLongestWhereAllAreEqual) {
  std::vector<double> seconds(100, 0.25);
  EXPECT_DOUBLE_EQ(*tail_threshold(seconds, 0.01), 0.5);
  seconds.resize(99);
  EXPECT_EQ(tail_threshold(seconds, 0.01), std::nullopt);
}

LevelSeries series_of(const std::vector<int>& levels) {
  LevelSeries series;
  for (std::size_t i = 0; i < levels.size(); ++i) series.add(static_cast<std::int64_t>(i) * 10, levels[i]);
  series.end(static_cast<std::int64_t>(levels.size()) * 10);
  return series;
}

TEST(LevelSeries, WeighsLevelsByTheirTime) {
  const LevelSeries series = series_of({0, 0, 0, 4, 4, 1, 1, 1, 1, 1});
  EXPECT_EQ(series.duration_us(), 100);
  EXPECT_EQ(series.quantile(0.3), 0);
  EXPECT_EQ(series.quantile(0.5), 1);
  EXPECT_EQ(series.quantile(0.8), 1);
  EXPECT_EQ(series.quantile(0.9), 4);
  EXPECT_DOUBLE_EQ(series.time_ratio_above(0), 0.7);
  EXPECT_EQ(series.rises_above(2), 1U);
  EXPECT_NEAR(series.dispersion(), (3.7 - 1.3 * 1.3) / 1.3, 1e-12);
}

TEST(LevelSeries, CutsItsTimeIntoEqualBlocks) {
  const auto blocks = series_of({0, 0, 0, 4, 4, 1, 1, 1, 1, 1}).blocks(4);
  ASSERT_EQ(blocks.size(), 4U);
  EXPECT_EQ(blocks[0].most, 0);
  EXPECT_EQ(blocks[1].least, 0);
  EXPECT_EQ(blocks[1].most, 4);
  EXPECT_NEAR(blocks[1].mean, 4 * 0.8, 1e-9);
  EXPECT_EQ(blocks[3].most, 1);
}

TEST(LevelSeries, TakesOneOffFromAMomentOn) {
  LevelSeries series = series_of({2, 2, 3, 0, 1});
  series.lower_from(15);
  EXPECT_EQ(series.quantile(1), 2);
  EXPECT_DOUBLE_EQ(series.time_ratio_above(1), 25.0 / 50);  // two until 15, then two of three from 20 to 30
}

TEST(LevelSeries, TurnsAreRisesAndFallsOfASwing) {
  const auto turns = series_of({0, 1, 3, 2, 5, 5, 1, 2, 0, 4, 4}).turns(3);
  ASSERT_EQ(turns.size(), 4U);
  EXPECT_EQ(turns[0].level, 0);
  EXPECT_EQ(turns[1].level, 5);
  EXPECT_EQ(turns[1].begin_us, 40);
  EXPECT_EQ(turns[1].end_us, 60);
  EXPECT_EQ(turns[2].level, 0);
  EXPECT_EQ(turns[3].level, 4);
}

TEST(LevelSeries, TakesWhateverOrderAndSize) {
  LevelSeries series;
  EXPECT_EQ(series.quantile(0.5), 0);
  EXPECT_TRUE(series.blocks(8).empty());
  EXPECT_TRUE(series.turns(2).empty());
  series.add(INT64_MAX, INT64_MAX);
  series.add(INT64_MIN, INT64_MIN);
  series.end(INT64_MIN);
  EXPECT_EQ(series.duration_us(), 0);
  series = {};
  series.add(INT64_MIN, 3);
  series.end(INT64_MAX);
  EXPECT_EQ(series.blocks(8).size(), 8U);
}

}  // namespace
}  // namespace heapledger::analysis::statistics
