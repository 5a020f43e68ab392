// The document of `heapledger payloads`. Pure functions; thread-safe; allocate.
#pragma once

#include "heapledger/payload_analyzer.h"
#include "report/json_document.h"

namespace heapledger::report {

// An entry of the list of endpoints, and of its list of content types.
Json payload_endpoint_row(const analysis::EndpointPayloads& endpoint);
Json payload_type_row(const analysis::ContentTypeCost& type);

Json payloads_document(const analysis::PayloadsResult& result);

// How many endpoints to show: all with 0, `otherwise` when the options do not say.
std::size_t shown_endpoints(const analysis::PayloadsResult& result, std::size_t otherwise);

std::string payloads_csv(const analysis::PayloadsResult& result);

}  // namespace heapledger::report
