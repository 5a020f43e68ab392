// The JSON document of `heapledger pools`. Pure function; thread-safe; allocates.
#pragma once

#include "heapledger/pool_monitor.h"
#include "report/json_document.h"

namespace heapledger::report {

Json pools_document(const analysis::PoolsResult& result);

// A pool without its lists.
Json pool_figures(const analysis::PoolUse& pool);

}  // namespace heapledger::report
