// A quantile with its interval, and a mean with its, of values that come in blocks: requests that follow each other in
// one worker are alike, so that blocks are independent and their members are not.
//
// Quantile (Woodruff's interval): with F the share of values at or below the quantile x,
//
//   se^2 = max( p (1 - p) / n,  B / (B - 1)  sum over blocks (k_b - n_b F)^2 / n^2 ),   [x(p - t se), x(p + t se)]
//
// k_b of the n_b values of block b at or below x, ranks cut to 1 and n, t Student's with B - 1 degrees.
// Mean: the same with values in place of k_b. Assumes independent blocks of like size; nothing about the values.
// Sources: R. S. Woodruff, Journal of the American Statistical Association 47 (1952); W. G. Cochran, Sampling
// Techniques, 3rd edition, chapter 9A.
// Pure functions; thread-safe; allocate; fork-safe.
#pragma once

#include <cstdint>
#include <span>

namespace heapledger::analysis::statistics {

struct BlockedValue {
  double value = 0;
  std::uint32_t block = 0;
};

struct Estimate {
  double value = 0;
  double low = 0;
  double high = 0;
};

// `sorted` by value, not empty; blocks are numbered from 0 to block_count - 1. With one block the interval is as wide
// as the sample.
Estimate block_quantile(std::span<const BlockedValue> sorted, std::uint32_t block_count, double probability,
                        double confidence_ratio);

// Any order; not empty.
Estimate block_mean(std::span<const BlockedValue> values, std::uint32_t block_count, double confidence_ratio);

}  // namespace heapledger::analysis::statistics
