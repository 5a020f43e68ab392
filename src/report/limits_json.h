// The document of `heapledger limits`, and its list of costs as CSV. Pure functions; thread-safe; allocate.
#pragma once

#include <string>

#include "heapledger/rate_limiter.h"
#include "report/json_document.h"

namespace heapledger::report {

Json limits_document(const analysis::LimitsResult& result);
std::string limits_csv(const analysis::LimitsResult& result);

// How many endpoints to show: all with 0, `otherwise` when the options do not say.
std::size_t shown_costs(const analysis::LimitsResult& result, std::size_t otherwise);

}  // namespace heapledger::report
