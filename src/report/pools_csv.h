// `heapledger pools` as CSV: a row for each pool, with the numbers of its leaks. Pure function; thread-safe; allocates.
#pragma once

#include <string>

#include "heapledger/pool_monitor.h"

namespace heapledger::report {

std::string pools_csv(const analysis::PoolsResult& result);

}  // namespace heapledger::report
