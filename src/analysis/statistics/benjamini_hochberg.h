// Which of many tests show something, with the share of false ones among them held down.
//
//   q(i) = min over j >= i of p(j) m / j,  p(1) <= ... <= p(m), at most 1
//
// Calling everything with q <= a a finding keeps the expected share of false findings at or below a; where nothing at
// all is there, the chance of any finding. Assumes tests that are independent or positively dependent, as the figures
// of one endpoint are. Source: Benjamini and Hochberg, Journal of the Royal Statistical Society B 57 (1995); the
// dependence: Benjamini and Yekutieli, Annals of Statistics 29 (2001).
// Pure function; thread-safe; allocates its result; fork-safe.
#pragma once

#include <span>
#include <vector>

namespace heapledger::analysis::statistics {

// The q-values, in the order of the p-values.
std::vector<double> benjamini_hochberg(std::span<const double> p_values);

}  // namespace heapledger::analysis::statistics
