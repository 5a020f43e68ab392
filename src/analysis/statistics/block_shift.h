// By how much one sample lies above another, when its members come in blocks and only like is compared with like.
//
// Two samples x ("from") and y ("to") of logarithms; each value is in a stratum (only values of one stratum are
// compared) and in a block (values that follow each other in one worker: alike, so blocks are what is independent).
//
//   score of a value   midrank among both samples in its stratum / (N_s + 1) - 1/2        (van Elteren's weights)
//   D(d)               mean score of y - d  minus  mean score of x                        (Mann-Whitney in strata)
//   V(d)               sum over both samples of  B / (B - 1)  sum over blocks (S_b - n_b mean)^2 / n^2
//   T(d)               D / sqrt(V)
//
// p-value: labels of blocks are permuted, inside of each exchange group (a worker that served both), and T(0) is
// compared with the T of the permuted labels, two-sided; (1 + as large) / (1 + tried), stopped early once p is surely
// far from small. Studentised, so that samples of different spread do not mislead it.
// shift: the d at which D is 0. Without strata that is Hodges and Lehmann's estimate, the median of all differences.
// interval: the d at which |T(d)| is Student's quantile, Welch's degrees. The ratio of the values is exp(d).
//
// Assumes that blocks are exchangeable where the versions do not differ: drift slower than a block, or that follows the
// version, is not told from a difference. A stratum without both samples says nothing and must be left out.
// Sources: P. H. van Elteren, Bulletin of the International Statistical Institute 37 (1960); J. L. Hodges and
// E. L. Lehmann, Annals of Mathematical Statistics 34 (1963); A. Janssen, Statistics and Probability Letters 36 (1997);
// E. Chung and J. P. Romano, Annals of Statistics 41 (2013); J. Besag and P. Clifford, Biometrika 78 (1991).
//
// One thread at a time; allocates when built, then per call by blocks only; fork-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include "analysis/statistics/block_quantile.h"

namespace heapledger::analysis::statistics {

struct ShiftBlock {
  bool to = false;
  std::uint32_t exchange_group = 0;
};

// One stratum's values, each sorted. Both must hold some.
struct ShiftStratum {
  std::span<const BlockedValue> from;
  std::span<const BlockedValue> to;
};

class BlockShift {
 public:
  // BlockedValue::block is an index into `blocks`. What `strata` points to must outlive this object.
  BlockShift(std::vector<ShiftStratum> strata, std::vector<ShiftBlock> blocks);

  // Blocks with a value in some stratum.
  std::size_t from_blocks() const { return from_blocks_; }
  std::size_t to_blocks() const { return to_blocks_; }

  double p_value(std::mt19937_64& random) const;
  double shift() const;
  // Around `shift`, which shift() gave. Two blocks of each at least.
  Estimate interval(double shift, double confidence_ratio) const;
  // Whether the shift is shown to be smaller than `margin` in either direction: two one-sided tests.
  bool is_within(double margin, double confidence_ratio) const;

 private:
  struct Sum {
    double count = 0;
    double score = 0;
  };
  struct Contrast {
    double difference = 0;
    double variance = 0;
    double degrees = 1;
    double studentised() const;
  };

  std::vector<Sum> score_blocks(double shift) const;
  Contrast contrast(const std::vector<Sum>& sums, const std::vector<std::uint8_t>& to) const;
  Contrast contrast_at(double shift) const;
  double bound(double shift, double confidence_ratio, double direction) const;
  double largest_shift() const;

  std::vector<ShiftStratum> strata_;
  std::vector<ShiftBlock> blocks_;
  std::vector<std::uint8_t> labels_;
  std::vector<std::vector<std::uint32_t>> exchangeable_;  // blocks by group, of groups with both labels
  std::size_t from_blocks_ = 0;
  std::size_t to_blocks_ = 0;
};

}  // namespace heapledger::analysis::statistics
