// The endpoints of `heapledger requests` as CSV. Pure function; thread-safe; allocates.
#pragma once

#include <string>

#include "heapledger/requests.h"

namespace heapledger::report {

std::string requests_csv(const analysis::RequestsResult& result);

}  // namespace heapledger::report
