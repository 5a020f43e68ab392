// From the sums of a pair to what is said of it. Pure functions; thread-safe; allocate; fork-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "analysis/pair_blocks.h"
#include "heapledger/interference.h"

namespace heapledger::analysis {

// A pair before all of them are known: `shown` is for show_differences() to say.
struct ComparedPair {
  EndpointPair pair;
  double duration_p_value = 1;
  double peak_p_value = 1;
};

// `requests`: of the endpoint.
ComparedPair compare(const PairSums& sums, std::uint64_t requests, double confidence_ratio);

// Marks those differences of which at most 5 % are expected to be none, over all pairs (Benjamini and Hochberg), and
// puts the pairs in order.
std::vector<EndpointPair> show_differences(std::vector<ComparedPair> pairs);

}  // namespace heapledger::analysis
