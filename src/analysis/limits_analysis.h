// The analysis behind `heapledger limits`, as a pure function of rows: budget, cost of each kind of request, limits,
// exhaustion, bursts and strategies, from what traffic.h collected. What each is and assumes is said in
// memory_budget.h, load_model.h, limit_search.h, exhaustion_scenarios.h and replay.h. Throws std::invalid_argument for
// options that make no sense. Reorders the traffic's values. Allocates.
#pragma once

#include <cstdint>

#include "analysis/memory_budget.h"
#include "analysis/recording_tables.h"
#include "analysis/selection.h"
#include "analysis/traffic.h"
#include "heapledger/leaks.h"
#include "heapledger/rate_limiter.h"

namespace heapledger::analysis {

inline constexpr std::uint64_t kLeastLimitRequests = 200;

struct LimitsInput {
  const RecordingTables* tables = nullptr;
  Traffic* traffic = nullptr;
  const MemorySamples* samples = nullptr;
  const LeaksResult* leaks = nullptr;
  const Selection* shown = nullptr;  // endpoints to list; nullptr: all
};

LimitsResult find_limits(const LimitsInput& input, const LimitsOptions& options);

}  // namespace heapledger::analysis
