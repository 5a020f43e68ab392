// How heavy the upper tail of a sample is, and how likely values are that it does not hold: a generalised Pareto law
// over a high threshold.
//
//   P(X > x) ~ share (1 + index (x - threshold) / scale)^(-1 / index),  x > threshold
//
// fitted by the moment estimator from the k largest values, with y = log(x / threshold), M1 = mean y, M2 = mean y^2:
//
//   index = M1 + 1 - 1 / (2 (1 - M1^2 / M2)),   scale = threshold M1 (1 - (index - M1))
//
// which holds for any index: below 0 the law ends, around 0 it falls like an exponential, above 0 like a power; from 1
// on it has no mean. Standard error sqrt((1 + index^2) / k) for index >= 0; below it is larger and is taken as
// sqrt(1 / k) (1 - index)^2. k is a tenth of the sample, at least kLeastExceedances.
// Assumes independent values and a threshold that is high enough. A sample whose upper tenth is one value has no tail.
// Source: Dekkers, Einmahl, de Haan, A moment estimator for the index of an extreme-value distribution, Annals of
// Statistics 17 (1989).
// Pure functions; allocate; thread-safe; fork-safe.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace heapledger::analysis::statistics {

struct Tail {
  double index = 0;
  double error = 0;  // standard error of the index
  double threshold = 0;
  double scale = 0;
  double share = 0;  // P(X > threshold)
  double largest = 0;

  double above(double x) const;  // P(X > x) by the fitted law; x at or above the threshold
};

inline constexpr std::size_t kLeastExceedances = 25;

// Reorders the values. None: fewer than ten times kLeastExceedances values, or no spread above the threshold.
std::optional<Tail> fit_tail(std::vector<double>& values);

}  // namespace heapledger::analysis::statistics
