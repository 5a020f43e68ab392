// How often the memory is exceeded by the recorded traffic, by more of it, and when other things go wrong.
//
// The interval is a bootstrap over the thirty-two parts of the traffic's time: parts drawn with replacement, the whole
// model evaluated on each draw, its 2.5 % and 97.5 % quantiles (B. Efron, R. Tibshirani, An Introduction to the
// Bootstrap, 1993, chapter 13; parts are long beside a request, so that what is within one stays together). The random
// numbers come from a fixed seed that the caller gives. A fitted tail's part has the interval of its index (two
// standard errors) besides.
// Pure function; allocates.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "analysis/load_model.h"
#include "heapledger/rate_limiter.h"

namespace heapledger::analysis {

struct Leak {
  double bytes_per_second = 0;
};

struct ScenarioInput {
  const Traffic* traffic = nullptr;
  const std::vector<LoadClass>* load = nullptr;
  double headroom_bytes = 0;
  double risk_per_day = 0;
  std::optional<Leak> leak;
  std::uint64_t seed = 1;
};

std::vector<ExhaustionScenario> exhaustion_scenarios(const ScenarioInput& input);

// Bytes that may be lost for good until the load is over the risk; 0 when it is already.
double spare_bytes(const std::vector<LoadClass>& load, double headroom_bytes, double risk_per_day);

}  // namespace heapledger::analysis
