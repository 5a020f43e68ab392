#include "analysis/statistics/block_difference.h"

#include <gtest/gtest.h>

#include <random>

#include "analysis/statistics/benjamini_hochberg.h"
#include "analysis/statistics/student.h"

namespace heapledger::analysis::statistics {
namespace {

TEST(BlockDifference, IsTheWeightedMeanOfItsBlocks) {
  BlockDifference sums;
  sums.add_class(10, 5, 10, 3);  // weight 5, difference 2
  sums.end_block();
  sums.add_class(1, 8, 1, 4);  // weight 0.5, difference 4
  sums.add_class(1, 6, 1, 6);  // weight 0.5, difference 0
  sums.end_block();
  const auto estimate = sums.estimate(0.95);
  EXPECT_DOUBLE_EQ(estimate.difference, 2);
  EXPECT_DOUBLE_EQ(estimate.low, 2);  // both blocks say 2
  EXPECT_DOUBLE_EQ(estimate.mean1 - estimate.mean0, 2);
  EXPECT_DOUBLE_EQ(sums.weight(), 6);
  EXPECT_DOUBLE_EQ(sums.effective_blocks(), 36.0 / 26);
  EXPECT_EQ(estimate.p_value, 0);
}

TEST(BlockDifference, HasStudentsInterval) {
  BlockDifference sums;
  for (const double difference : {1.0, 2.0, 3.0, 4.0, 5.0}) {
    sums.add_class(2, difference, 2, 0);
    sums.end_block();
  }
  const auto estimate = sums.estimate(0.95);
  EXPECT_DOUBLE_EQ(estimate.difference, 3);
  EXPECT_NEAR(estimate.high - 3, 2.776445 * std::sqrt(2.5 / 5), 1e-5);
  EXPECT_NEAR(estimate.p_value, 0.013236, 1e-6);  // t = 4.2426, four degrees
}

TEST(BlockDifference, IsNothingOfOneBlockOrNone) {
  BlockDifference sums;
  EXPECT_EQ(sums.estimate(0.95).p_value, 1);
  sums.end_block();
  EXPECT_EQ(sums.effective_blocks(), 0);
}

// Two values in three are small, one is a hundred times larger: three of one group against forty of the other.
TEST(BlockDifference, IsRightOnAverageHoweverUnequalTheGroupsAre) {
  std::mt19937_64 random(3);
  const auto mean_of = [&random](int count) {
    double sum = 0;
    for (int i = 0; i < count; ++i) sum += random() % 3 == 0 ? 100 : 1;
    return sum / count;
  };
  int outside = 0;
  constexpr int kSeries = 400;
  for (int series = 0; series < kSeries; ++series) {
    BlockDifference sums;
    for (int block = 0; block < 40; ++block) {
      sums.add_class(3, mean_of(3), 40, mean_of(40));
      sums.end_block();
    }
    const auto estimate = sums.estimate(0.95);
    outside += estimate.low > 0 || estimate.high < 0 ? 1 : 0;
  }
  EXPECT_LE(outside, kSeries * 8 / 100);
  EXPECT_GE(outside, kSeries * 2 / 100);
}

TEST(StudentTwoSided, IsTheQuantilesOwn) {
  for (const double degrees : {1.0, 5.0, 30.0}) {
    EXPECT_NEAR(student_two_sided(student_quantile(0.975, degrees), degrees), 0.05, 1e-9);
    EXPECT_NEAR(student_two_sided(-student_quantile(0.995, degrees), degrees), 0.01, 1e-9);
  }
  EXPECT_DOUBLE_EQ(student_two_sided(0, 3), 1);
}

TEST(BenjaminiHochberg, HoldsDownTheShareOfFalseFindings) {
  const std::vector<double> p = {0.01, 0.04, 0.03, 0.5};
  const auto q = benjamini_hochberg(p);
  EXPECT_DOUBLE_EQ(q[0], 0.04);
  EXPECT_NEAR(q[1], 0.16 / 3, 1e-12);
  EXPECT_NEAR(q[2], 0.16 / 3, 1e-12);
  EXPECT_DOUBLE_EQ(q[3], 0.5);
}

}  // namespace
}  // namespace heapledger::analysis::statistics
