// How large a body may be: from the line that relates a request's peak to the bytes it received.
//
// peak = base + amplification * received, the 99 % quantile line (statistics/quantile_line.h) over at most 2,000 of the
// recorded requests with a body. Estimable from 50 bodies on, the largest at least half as large again as the
// tenth percentile, when they raise the peak: the line from the smallest to the largest body rises by a fifth of the
// largest peak or more. The limit is room / (amplification * requests at once), less the base; none is told beyond four
// times the largest body seen, as nobody knows how the peak goes on there. Pure function; allocates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/statistics/quantile_line.h"

namespace heapledger::analysis {

struct SafeBody {
  std::optional<std::uint64_t> max_bytes;
  std::optional<std::uint64_t> largest_bytes;  // that was recorded
  std::string reason;                          // why there is none
};

SafeBody body_limit(std::vector<statistics::QuantilePoint> bodies, double room_bytes, double at_once);

}  // namespace heapledger::analysis
