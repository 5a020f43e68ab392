// A pool's counts, times and bytes over all its workers. Pure; allocates; thread-safe.
#pragma once

#include "analysis/pool_names.h"
#include "analysis/pool_tables.h"
#include "heapledger/pool_monitor.h"

namespace heapledger::analysis {

// Everything of PoolUse but leaks and recommendations.
void sum_pool_figures(const PoolGroup& group, const PoolNames& names, PoolUse& use);

}  // namespace heapledger::analysis
