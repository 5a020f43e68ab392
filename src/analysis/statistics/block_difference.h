// By how much the values of one group differ from those of another, where both occur within the same blocks.
//
// A block is a stretch of consecutive observations. In each, like is compared with like: for every class c of a block
// (say, a level of concurrency) that has n1 values of the one group and n0 of the other,
//
//   d_c = mean of the n1 - mean of the n0,   h_c = n1 n0 / (n1 + n0)
//   block:     d_b = sum h_c d_c / sum h_c,  h_b = sum h_c
//   estimate:  d = sum h_b d_b / sum h_b
//   s^2 = sum h_b (d_b - d)^2 / (B - 1),  se^2 = s^2 / sum h_b,  Student's t with (sum h_b)^2 / sum h_b^2 - 1 degrees
//
// Assumes that blocks are independent and that what drifts does so slower than a block; nothing of the values within a
// block: as differences of means, d_c are right on average for any distribution, however unequal n1 and n0 are (medians
// of few values are not). With a score of blocks t covers; the simulations say how well.
// Sources: Mantel and Haenszel, Journal of the National Cancer Institute 22 (1959), for the weights; Kish, Survey
// Sampling (1965), for the effective number of blocks.
// One thread at a time; fixed size; fork-safe.
#pragma once

#include <cstdint>

namespace heapledger::analysis::statistics {

class BlockDifference {
 public:
  // Of one class of the current block. Counts above 0.
  void add_class(double count1, double mean1, double count0, double mean0);
  void end_block();

  struct Estimate {
    double difference = 0;
    double low = 0;
    double high = 0;
    double mean1 = 0;  // weighted as the difference is: their difference is it
    double mean0 = 0;
    double p_value = 1;  // two-sided, of no difference
  };
  // Two blocks at least.
  Estimate estimate(double confidence_ratio) const;

  double weight() const { return weight_; }
  double effective_blocks() const { return squared_weights_ > 0 ? weight_ * weight_ / squared_weights_ : 0; }

 private:
  struct Block {
    double weight = 0;
    double sum1 = 0;
    double sum0 = 0;
  };
  Block block_;
  std::uint64_t blocks_ = 0;
  double weight_ = 0;
  double squared_weights_ = 0;
  double sum1_ = 0;
  double sum0_ = 0;
  double mean_ = 0;  // running, so that squares_ does not cancel
  double squares_ = 0;
};

}  // namespace heapledger::analysis::statistics
