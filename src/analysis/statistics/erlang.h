// How many servers a load needs, when who finds all of them taken waits.
//
//   load a = arrivals a second x mean time of service; c servers; r = a / c below 1
//   Erlang B:  B(0) = 1,  B(c) = a B(c-1) / (c + a B(c-1))         probability of finding all taken, if nobody waits
//   Erlang C:  C(c) = B(c) / (1 - r (1 - B(c)))                    probability of having to wait
//
// Assumptions: arrivals are Poisson at the rate of the load; times of service are exponential. For other times of
// service (M/G/c) C is a close approximation: what has to be waited depends on them, hardly whether (Tijms). Arrivals
// that come in bursts wait more: give it the load of the busiest time.
// Sources: R. B. Cooper, Introduction to Queueing Theory, 2nd edition, sections 3.3 and 3.4; H. C. Tijms, A First
// Course in Stochastic Models, section 9.6. Pure functions; no allocation; fork-safe.
#pragma once

#include <cstdint>

namespace heapledger::analysis::statistics {

// 1 where the load is no less than the servers; load not negative.
double probability_of_waiting(std::uint64_t servers, double load);

// The least number with a probability of waiting of at most `probability`, and no less than 1. Loads above a million
// are taken for a million.
std::uint64_t servers_needed(double load, double probability);

}  // namespace heapledger::analysis::statistics
