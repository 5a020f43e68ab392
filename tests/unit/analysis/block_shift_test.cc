#include "analysis/statistics/block_shift.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "analysis/statistics/benjamini_hochberg.h"
#include "analysis/statistics/block_quantile.h"

namespace heapledger::analysis::statistics {
namespace {

struct Samples {
  std::vector<BlockedValue> from;
  std::vector<BlockedValue> to;
  std::vector<ShiftBlock> blocks;
  BlockShift shift() const { return {{{from, to}}, blocks}; }
};

// `count` values each, in `blocks` blocks each.
template <class Draw>
Samples draw_samples(std::size_t count, std::uint32_t blocks, Draw draw) {
  Samples samples;
  for (const bool to : {false, true}) {
    auto& values = to ? samples.to : samples.from;
    for (std::size_t i = 0; i < count; ++i) {
      values.push_back({draw(to), static_cast<std::uint32_t>(i * blocks / count) + (to ? blocks : 0)});
    }
    std::sort(values.begin(), values.end(), [](const auto& a, const auto& b) { return a.value < b.value; });
    samples.blocks.insert(samples.blocks.end(), blocks, ShiftBlock{to, 0});
  }
  return samples;
}

double median_difference(const Samples& samples) {
  std::vector<double> differences;
  for (const auto& to : samples.to) {
    for (const auto& from : samples.from) {
      differences.push_back(to.value - from.value);
    }
  }
  std::sort(differences.begin(), differences.end());
  const std::size_t n = differences.size();
  return (differences[(n - 1) / 2] + differences[n / 2]) / 2;
}

TEST(BlockShift, EstimateIsTheMedianOfAllDifferences) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  for (int round = 0; round < 20; ++round) {
    const Samples samples = draw_samples(31, 5, [&](bool to) { return normal(random) + (to ? 0.3 : 0); });
    EXPECT_NEAR(samples.shift().shift(), median_difference(samples), 1e-5);
  }
}

TEST(BlockShift, EstimateHoldsWithTies) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 20; ++round) {
    const Samples samples =
        draw_samples(24, 4, [&](bool to) { return static_cast<double>(random() % 5) + (to ? 2 : 0); });
    EXPECT_NEAR(samples.shift().shift(), median_difference(samples), 1e-5);
  }
}

TEST(BlockShift, WhatDoesNotVaryIsKnownExactly) {
  const Samples samples = draw_samples(500, 20, [](bool to) { return to ? std::log(1300) : std::log(1000); });
  const BlockShift shift = samples.shift();
  std::mt19937_64 random(3);
  EXPECT_LE(shift.p_value(random), 0.001);
  const Estimate estimate = shift.interval(shift.shift(), 0.95);
  EXPECT_NEAR(std::exp(estimate.value), 1.3, 1e-5);
  EXPECT_NEAR(std::exp(estimate.low), 1.3, 1e-5);
  EXPECT_NEAR(std::exp(estimate.high), 1.3, 1e-5);
  EXPECT_FALSE(shift.is_within(std::log(1.05), 0.95));
}

TEST(BlockShift, EqualSamplesAreShownToBe) {
  const Samples samples = draw_samples(500, 20, [](bool) { return 7.0; });
  const BlockShift shift = samples.shift();
  std::mt19937_64 random(4);
  EXPECT_EQ(shift.p_value(random), 1);
  EXPECT_NEAR(shift.shift(), 0, 1e-5);
  EXPECT_TRUE(shift.is_within(std::log(1.05), 0.95));
}

TEST(BlockShift, BlocksThatDriftAreNotTakenForADifference) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal;
  int found = 0;
  int covered = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<double> levels(40);
    std::generate(levels.begin(), levels.end(), [&] { return 0.5 * normal(random); });
    std::size_t drawn = 0;
    const Samples samples = draw_samples(500, 20, [&](bool) { return levels[drawn++ / 25] + 0.1 * normal(random); });
    const BlockShift shift = samples.shift();
    found += shift.p_value(random) <= 0.05 ? 1 : 0;
    const Estimate estimate = shift.interval(shift.shift(), 0.95);
    covered += estimate.low <= 0 && 0 <= estimate.high ? 1 : 0;
  }
  EXPECT_LE(found, 22);  // 10 expected; requests instead of blocks would find some 130
  EXPECT_GE(found, 2);
  EXPECT_GE(covered, 178);
}

TEST(BlockShift, StrataAreComparedEachInItself) {
  // In both strata `to` is 0.5 above; it has mostly the low stratum, so that all thrown together it is far below.
  std::vector<std::vector<BlockedValue>> from(2);
  std::vector<std::vector<BlockedValue>> to(2);
  std::mt19937_64 random(6);
  std::normal_distribution<double> normal;
  for (std::uint32_t i = 0; i < 500; ++i) {
    const std::size_t from_stratum = i % 10 == 0 ? 0 : 1;
    const std::size_t to_stratum = i % 10 == 0 ? 1 : 0;
    from[from_stratum].push_back({10.0 * static_cast<double>(from_stratum) + 0.1 * normal(random), i / 25});
    to[to_stratum].push_back({10.0 * static_cast<double>(to_stratum) + 0.5 + 0.1 * normal(random), 20 + i / 25});
  }
  std::vector<ShiftBlock> blocks(40);
  std::for_each(blocks.begin() + 20, blocks.end(), [](ShiftBlock& block) { block.to = true; });
  std::vector<ShiftStratum> strata;
  for (std::size_t k = 0; k < 2; ++k) {
    for (auto* values : {&from[k], &to[k]}) {
      std::sort(values->begin(), values->end(), [](const auto& a, const auto& b) { return a.value < b.value; });
    }
    strata.push_back({from[k], to[k]});
  }
  const BlockShift shift(strata, blocks);
  EXPECT_NEAR(shift.shift(), 0.5, 0.03);
  EXPECT_LE(shift.p_value(random), 0.001);
}

TEST(BlockShift, LabelsMoveInsideOfTheirGroupOnly) {
  // Two workers, each with one version only in its own group: nothing can be exchanged, so nothing is shown.
  Samples samples = draw_samples(100, 4, [](bool to) { return to ? 2.0 : 1.0; });
  for (ShiftBlock& block : samples.blocks) {
    block.exchange_group = block.to ? 1 : 0;
  }
  std::mt19937_64 random(7);
  EXPECT_EQ(samples.shift().p_value(random), 1);
}

TEST(BlockQuantile, IntervalOfTheMedianHoldsTheTrueOne) {
  std::mt19937_64 random(8);
  std::normal_distribution<double> normal;
  int covered = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<BlockedValue> values;
    for (std::uint32_t block = 0; block < 20; ++block) {
      const double level = normal(random);
      for (int i = 0; i < 25; ++i) {
        values.push_back({level + normal(random), block});
      }
    }
    std::sort(values.begin(), values.end(), [](const auto& a, const auto& b) { return a.value < b.value; });
    const Estimate median = block_quantile(values, 20, 0.5, 0.95);
    EXPECT_EQ(median.value, values[249].value);
    covered += median.low <= 0 && 0 <= median.high ? 1 : 0;
  }
  EXPECT_GE(covered, 180);
}

TEST(BlockQuantile, OneBlockSaysNothingOfItsOwnSpread) {
  const std::vector<BlockedValue> values{{1, 0}, {2, 0}, {9, 0}};
  const Estimate median = block_quantile(values, 1, 0.5, 0.95);
  EXPECT_EQ(median.value, 2);
  EXPECT_EQ(median.low, 1);
  EXPECT_EQ(median.high, 9);
}

TEST(BlockMean, IsTheMeanWithItsInterval) {
  // Blocks of two, means 1, 2, 3: s^2 = 1, so that the error is sqrt(1 / 3), t(0.975, 2) = 4.3027.
  const std::vector<BlockedValue> values{{0, 0}, {2, 0}, {1, 1}, {3, 1}, {2, 2}, {4, 2}};
  const Estimate mean = block_mean(values, 3, 0.95);
  EXPECT_DOUBLE_EQ(mean.value, 2);
  EXPECT_NEAR(mean.high - mean.value, 4.3027 * std::sqrt(1.0 / 3), 1e-3);
  EXPECT_NEAR(mean.value - mean.low, mean.high - mean.value, 1e-12);
}

// The example of the paper: fifteen hypotheses, of which four are rejected at 0.05.
TEST(BenjaminiHochberg, RejectsWhatThePaperDoes) {
  const std::vector<double> p{0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
                              0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000};
  const std::vector<double> q = benjamini_hochberg(p);
  EXPECT_EQ(std::count_if(q.begin(), q.end(), [](double value) { return value <= 0.05; }), 4);
  EXPECT_DOUBLE_EQ(q[0], 0.0015);
  EXPECT_TRUE(std::is_sorted(q.begin(), q.end()));
  EXPECT_EQ(q.back(), 1);
  EXPECT_TRUE(benjamini_hochberg({}).empty());
}

TEST(BenjaminiHochberg, KeepsTheOrderOfItsArguments) {
  const std::vector<double> q = benjamini_hochberg(std::vector<double>{0.5, 0.01, 0.04});
  EXPECT_DOUBLE_EQ(q[0], 0.5);
  EXPECT_DOUBLE_EQ(q[1], 0.03);
  EXPECT_DOUBLE_EQ(q[2], 0.06);
}

}  // namespace
}  // namespace heapledger::analysis::statistics
