// A straight line that a given share of the points do not exceed: linear quantile regression in one variable.
//
//   min over (level, slope >= 0) of sum rho(y - level - slope x),   rho(r) = r (share - [r < 0])
//
// For a given slope the best level is the share's quantile of y - slope x; what is left is convex in the slope and is
// searched by golden section. Assumes nothing about the noise, not even that it is alike everywhere.
// Source: Koenker and Bassett, Regression Quantiles, Econometrica 46 (1978).
// Pure functions; allocate; thread-safe; fork-safe.
#pragma once

#include <vector>

namespace heapledger::analysis::statistics {

struct QuantilePoint {
  double x = 0;
  double y = 0;
};

struct QuantileLine {
  double level = 0;
  double slope = 0;
};

// At least two points with different x; 0 < share < 1.
QuantileLine fit_quantile_line(const std::vector<QuantilePoint>& points, double share);

}  // namespace heapledger::analysis::statistics
