// What ways of limiting would have made of the recorded traffic: its latest requests sent again, as they came or
// faster, each holding what it held, past a gate.
//
// Of every request the time of its start, its duration and its curve of sixteen levels are replayed; a request that has
// to wait starts later and is otherwise unchanged. At `load_ratio` r the time between arrivals is divided by r,
// durations stay: more is in flight, as when more clients come. Deterministic: no random numbers.
//
// Gates: none; fixed rate (a bucket of requests); token bucket (of byte-seconds, a request costs its kind's);
// concurrency (so many at once, others wait in order, kLongestWaitSeconds at most); reservation (each kind reserves its
// high peak, while the sum fits into the headroom; waits likewise). Costs time as the requests' number times its
// logarithm. Pure function; allocates.
#pragma once

#include <cstdint>
#include <vector>

#include "analysis/traffic.h"
#include "heapledger/rate_limiter.h"

namespace heapledger::analysis {

inline constexpr double kLongestWaitSeconds = 1;

struct ReplayLimits {
  double headroom_bytes = 0;
  double requests_per_second = 0;
  double request_burst = 1;
  double tokens_per_second = 0;
  double token_capacity = 1;
  std::vector<double> tokens;    // of each class
  std::vector<double> reserved;  // bytes of each class
  std::uint64_t concurrency = 1;
};

// `rows` in the order of their starts.
StrategyOutcome replay(const std::vector<ReplayRow>& rows, const ReplayLimits& limits, LimitStrategy strategy,
                       double load_ratio);

}  // namespace heapledger::analysis
