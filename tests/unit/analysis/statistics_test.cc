#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <span>
#include <vector>

#include "analysis/statistics/folded_figure.h"
#include "analysis/statistics/quantile.h"
#include "analysis/statistics/sample.h"
#include "recording/figures.h"

namespace heapledger::analysis::statistics {
namespace {

using recording::FoldedFigure;

IntegerDistribution summary_of(const std::vector<std::uint64_t>& values) {
  Sample<std::uint64_t> sample;
  for (const auto value : values) sample.add(value);
  return sample.summarize();
}

// The textbook's example of the method: 5 values, 5th, 30th, 40th, 50th and 100th percentile.
TEST(NearestRank, GivesTheTextbookRanksOfFiveValues) {
  std::vector<int> values{15, 20, 35, 40, 50};
  const auto at = [&](std::uint64_t percent) { return values[nearest_rank(5, percent) - 1]; };
  EXPECT_EQ(at(5), 15);
  EXPECT_EQ(at(30), 20);
  EXPECT_EQ(at(40), 20);
  EXPECT_EQ(at(50), 35);
  EXPECT_EQ(at(100), 50);
}

TEST(NearestRank, OfZeroPercentIsTheSmallestValue) { EXPECT_EQ(nearest_rank(10, 0), 1U); }

TEST(NearestRank, IsExactWhereNTimesPIsWhole) {
  EXPECT_EQ(nearest_rank(100, 99), 99U);
  EXPECT_EQ(nearest_rank(100, 95), 95U);
  EXPECT_EQ(nearest_rank(20, 95), 19U);
  EXPECT_EQ(nearest_rank(10, 90), 9U);
}

TEST(NearestRank, EqualsTheCeilingForAllSmallSizes) {
  for (std::uint64_t n = 1; n <= 1000; ++n) {
    for (std::uint64_t percent = 1; percent <= 100; ++percent) {
      ASSERT_EQ(nearest_rank(n, percent), (n * percent + 99) / 100) << n << " values, " << percent << " %";
    }
  }
}

TEST(NearestRank, DoesNotOverflow) { EXPECT_EQ(nearest_rank(1ULL << 62, 100), 1ULL << 62); }

TEST(Sample, OfOneValueIsThatValueThroughout) {
  const auto summary = summary_of({7});
  EXPECT_EQ(summary.mean, 7);
  EXPECT_EQ(summary.p50, 7U);
  EXPECT_EQ(summary.p90, 7U);
  EXPECT_EQ(summary.p95, 7U);
  EXPECT_EQ(summary.max, 7U);
}

TEST(Sample, HasAp99From100ValuesOn) {
  std::vector<std::uint64_t> values;
  for (std::uint64_t i = 1; i <= 99; ++i) values.push_back(i);
  EXPECT_FALSE(summary_of(values).p99.has_value());
  values.push_back(100);
  EXPECT_EQ(summary_of(values).p99, 99U);
}

TEST(Sample, WithoutAValueIsZero) {
  const auto summary = summary_of({});
  EXPECT_EQ(summary.mean, 0);
  EXPECT_EQ(summary.max, 0U);
  EXPECT_FALSE(summary.p99.has_value());
}

TEST(Sample, KeepsTheMeanOfHugeIntegersExact) {
  const std::uint64_t huge = (1ULL << 60) + 1;
  Sample<std::uint64_t> sample;
  sample.add(huge);
  sample.add(huge + 2);
  EXPECT_EQ(sample.summarize().mean, static_cast<double>(huge + 1));
}

// The property that everything else stands on, over shapes that select algorithms get wrong: ties, sorted, reversed.
TEST(Sample, QuantilesEqualThoseOfANaiveSort) {
  std::mt19937_64 random(20261124);
  for (int round = 0; round < 400; ++round) {
    const std::size_t n = 1 + random() % 700;
    const std::uint64_t range = 1ULL << (random() % 40);
    std::vector<std::uint64_t> values(n);
    for (auto& value : values) value = random() % range;
    if (round % 4 == 1) std::sort(values.begin(), values.end());
    if (round % 4 == 2) std::sort(values.rbegin(), values.rend());
    const auto summary = summary_of(values);
    std::sort(values.begin(), values.end());
    const auto naive = [&](double percent) {
      return values[static_cast<std::size_t>(std::ceil(static_cast<double>(n) * percent / 100 - 1e-9)) - 1];
    };
    ASSERT_EQ(summary.p50, naive(50));
    ASSERT_EQ(summary.p90, naive(90));
    ASSERT_EQ(summary.p95, naive(95));
    ASSERT_EQ(summary.p99.has_value(), n >= 100);
    if (summary.p99) {
      ASSERT_EQ(*summary.p99, naive(99));
    }
    ASSERT_EQ(summary.max, values.back());
  }
}

TEST(FoldedValue, IsWithinTheStatedErrorForEveryInteger) {
  EXPECT_EQ(folded_value(recording::figure_bin(0)), 0);
  const auto check = [](double value) {
    const double stands_for = std::round(folded_value(recording::figure_bin(value)));
    ASSERT_LE(std::abs(stands_for - value), kFoldedErrorRatio * value) << value;
  };
  for (int value = 1; value <= 100'000; ++value) check(value);
  for (int power = 17; power < 50; ++power) {
    check(std::ldexp(1, power));
    check(std::ldexp(1, power) - 1);
  }
}

TEST(FoldedValue, IsExactForIntegersBelowSixteen) {
  for (int value = 1; value < 16; ++value) {
    EXPECT_EQ(std::round(folded_value(recording::figure_bin(value))), value);
  }
}

TEST(FoldedValue, HoldsForFractionsToo) {
  for (double value = 1e-9; value < 1; value *= 1.01) {
    ASSERT_NEAR(folded_value(recording::figure_bin(value)) / value, 1, 0.0434 * 1.05) << value;
  }
}

TEST(Sample, TakesFoldedValuesExactlyIntoCountMeanAndMax) {
  FoldedFigure folded;
  for (const double value : {100.0, 200.0, 900.0}) recording::add_value(folded, value);
  Sample<std::uint64_t> sample;
  sample.add(400);
  sample.add_folded(folded.sum, folded.max, folded.bins);
  EXPECT_EQ(sample.count(), 4U);
  const auto summary = sample.summarize();
  EXPECT_EQ(summary.mean, 400);
  EXPECT_EQ(summary.max, 900U);
}

TEST(Sample, PercentilesOfFoldedAndSingleValuesAreWithinTheStatedError) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 100; ++round) {
    std::vector<double> values;
    FoldedFigure folded;
    Sample<double> sample;
    for (int i = 0; i < 500; ++i) {
      const double value =
          std::ldexp(1 + static_cast<double>(random() % 1000) / 1000, static_cast<int>(random() % 24) - 8);
      values.push_back(random() % 50 == 0 ? 0 : value);
      if (random() % 3 == 0) {
        sample.add(values.back());
      } else {
        recording::add_value(folded, values.back());
      }
    }
    sample.add_folded(folded.sum, folded.max, folded.bins);
    std::sort(values.begin(), values.end());
    const auto summary = sample.summarize();
    ASSERT_NEAR(summary.p50, values[249], kFoldedErrorRatio * values[249]);
    ASSERT_NEAR(summary.p90, values[449], kFoldedErrorRatio * values[449]);
    ASSERT_NEAR(summary.p95, values[474], kFoldedErrorRatio * values[474]);
    ASSERT_NEAR(*summary.p99, values[494], kFoldedErrorRatio * values[494]);
  }
}

TEST(Sample, DividesFoldedValuesIntoTheUnitOfTheSingleOnes) {
  FoldedFigure folded;
  recording::add_value(folded, 1'000'000);
  Sample<double> sample;
  sample.add_folded(folded.sum, folded.max, folded.bins, 1e6);
  const auto summary = sample.summarize();
  EXPECT_EQ(summary.mean, 1);
  EXPECT_EQ(summary.max, 1);
  EXPECT_NEAR(summary.p50, 1, kFoldedErrorRatio);
}

TEST(BinOrder, PutsZeroFirstAndFractionsBeforeWholeNumbers) {
  std::vector<std::int32_t> bins{5, -1, 0, 1, -9};
  std::sort(bins.begin(), bins.end(), BinOrder());
  EXPECT_EQ(bins, (std::vector<std::int32_t>{0, -9, -1, 1, 5}));
}

}  // namespace
}  // namespace heapledger::analysis::statistics
