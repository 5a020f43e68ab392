// Beyond what time a duration is no longer one of its kind: the survival curve of those that ended, continued.
//
// Of n ordered durations x(1) <= ... <= x(n) the k = max(10, n / 10) largest show how the survival curve S(t) falls.
// Hill's index of the tail and Weissman's continuation of the curve beyond x(n):
//
//   xi = 1/k sum_{i<k} ln(x(n-i) / x(n-k));   S(t) = k/n (t / x(n-k))^(-1/xi)  for t > x(n-k)
//   threshold t*: S(t*) = p / n, so t* = x(n-k) (k / p)^xi, and no less than 2 x(n)
//
// Of n more durations of the same kind one reaches t* with a probability of p at most. A tail that falls faster than a
// power (an exponential one) falls below this continuation: the threshold is then later than it need be, never sooner.
// Assumptions: durations are independent and of one distribution, which a mixture with a rare slow kind still is.
// Durations that have not ended are not among them: they are what is judged.
// Sources: B. M. Hill, A simple general approach to inference about the tail of a distribution, Annals of Statistics 3
// (1975); I. Weissman, Estimation of parameters and large quantiles based on the k largest observations, JASA 73
// (1978). Pure functions; thread-safe; fork-safe.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace heapledger::analysis::statistics {

inline constexpr std::size_t kLeastDurations = 100;

// Absent under kLeastDurations. Reorders the durations; those below a microsecond count as one.
std::optional<double> tail_threshold(std::vector<double>& seconds, double probability);

}  // namespace heapledger::analysis::statistics
