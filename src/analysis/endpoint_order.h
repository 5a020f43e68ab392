// The orders of --sort: largest first by one figure, `route` by name. Equal rows always come in the same order: by
// route, method, version. Pure; fork-safe.
#pragma once

#include <vector>

#include "heapledger/requests.h"

namespace heapledger::analysis {

void sort_endpoints(std::vector<EndpointCost>& endpoints, RequestsSort order);

}  // namespace heapledger::analysis
