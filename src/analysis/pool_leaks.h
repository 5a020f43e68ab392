// Connections that are lost or held too long, one verdict each.
//
//   never_returned  in use when its worker was last read, and the request that took it out has ended. In a worker that
//                   runs it must have been out for a second: what is returned just after its request is none
//   orphan          alive, and neither idle nor in use to its pool; or gone, and not by its pool's doing
//   closed_kept     closed, and as good as all of it lives on: half of the most it held while open (nine tenths, of the
//                   first connection of a pool: it may have filled something once), 1 KiB at least
//   held_long       in use for longer than the survival curve of completed holds allows (statistics/tail.h: one
//                   recording in a hundred has such a hold by chance), by a request that runs or by none. A suspicion
// Pure; allocates; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "analysis/pool_names.h"
#include "analysis/pool_tables.h"
#include "heapledger/pool_monitor.h"

namespace heapledger::analysis {

// Requests that had not ended: worker, sequence.
using OpenRequests = std::set<std::pair<std::int64_t, std::int64_t>>;

// When held_long begins, of the completed holds of all pools of the group; absent when there are too few.
std::optional<double> hold_threshold(const PoolGroup& group);

// Worst kind first, then the longest held.
std::vector<PoolLeak> find_pool_leaks(const PoolGroup& group, const OpenRequests& open, const PoolNames& names);

}  // namespace heapledger::analysis
