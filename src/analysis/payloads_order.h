// The orders of `heapledger payloads --sort`: largest first by one figure, `route` by name. Equal rows always come in
// the same order: by route, method, version. Pure; fork-safe.
#pragma once

#include <vector>

#include "heapledger/payload_analyzer.h"

namespace heapledger::analysis {

void sort_payloads(std::vector<EndpointPayloads>& endpoints, PayloadsSort order);

}  // namespace heapledger::analysis
