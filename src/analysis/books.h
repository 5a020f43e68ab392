// Whether the books balance, worker by worker and in all.
//
// A worker's books balance when allocated - freed == live, and the walk over its block map at the freeze found exactly
// the live bytes that its owners' counters say, with no owner off. They are wrong when either fails, and open
// (nullopt) when there was no walk, or the hooks were displaced while it ran. In all: wrong if one is, else open if one
// is, or if there were processes that could not keep books. Pure functions; allocate; fork-safe.
#pragma once

#include <optional>
#include <vector>

#include "analysis/recording_tables.h"
#include "analysis/selection.h"
#include "heapledger/requests.h"

namespace heapledger::analysis {

std::optional<bool> books_balance(const recording::WorkerRow& worker);

Accounting sum_books(const RecordingTables& tables, const Selection& selection);

// The chosen workers, without their number of requests.
std::vector<WorkerCost> list_workers(const RecordingTables& tables, const Selection& selection);

}  // namespace heapledger::analysis
