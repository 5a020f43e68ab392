// Endpoints, and the routes and methods asked for in vain, as JSON documents name them. Pure functions; thread-safe;
// allocate.
#pragma once

#include <vector>

#include "report/json_document.h"

namespace heapledger::report {

// {"method", "route", "version"}: to be added to.
Json endpoint_object(const analysis::EndpointId& endpoint);

Json unmatched_list(const std::vector<analysis::UnmatchedOption>& options);

}  // namespace heapledger::report
