// The document heapledger.requests/1. Pure function; thread-safe; allocates.
#pragma once

#include "heapledger/requests.h"
#include "report/json_document.h"

namespace heapledger::report {

Json requests_document(const analysis::RequestsResult& result);

// One object of the list `endpoints`.
Json endpoint_row(const analysis::EndpointCost& endpoint);

// How many endpoints are shown where `otherwise` is the default limit (0: all).
std::size_t shown_endpoints(const analysis::RequestsResult& result, std::size_t otherwise);

}  // namespace heapledger::report
