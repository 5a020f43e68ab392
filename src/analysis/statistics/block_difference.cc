#include "analysis/statistics/block_difference.h"

#include <algorithm>
#include <cmath>

#include "analysis/statistics/student.h"

namespace heapledger::analysis::statistics {

void BlockDifference::add_class(double count1, double mean1, double count0, double mean0) {
  const double weight = count1 * count0 / (count1 + count0);
  block_.weight += weight;
  block_.sum1 += weight * mean1;
  block_.sum0 += weight * mean0;
}

// West's update of a weighted mean and its squares.
void BlockDifference::end_block() {
  if (block_.weight > 0) {
    const double difference = (block_.sum1 - block_.sum0) / block_.weight;
    ++blocks_;
    weight_ += block_.weight;
    squared_weights_ += block_.weight * block_.weight;
    sum1_ += block_.sum1;
    sum0_ += block_.sum0;
    const double before = mean_;
    mean_ += (difference - mean_) * block_.weight / weight_;
    squares_ += block_.weight * (difference - before) * (difference - mean_);
  }
  block_ = {};
}

BlockDifference::Estimate BlockDifference::estimate(double confidence_ratio) const {
  Estimate result;
  if (blocks_ < 2) {
    return result;
  }
  const double variance = std::max(0.0, squares_) / static_cast<double>(blocks_ - 1);
  const double error = std::sqrt(variance / weight_);
  const double degrees = std::max(1.0, effective_blocks() - 1);
  const double reach = student_quantile(0.5 + confidence_ratio / 2, degrees) * error;
  result.difference = mean_;
  result.low = mean_ - reach;
  result.high = mean_ + reach;
  result.mean1 = sum1_ / weight_;
  result.mean0 = sum0_ / weight_;
  result.p_value = error > 0 ? student_two_sided(mean_ / error, degrees) : (mean_ == 0 ? 1.0 : 0.0);
  return result;
}

}  // namespace heapledger::analysis::statistics
