// What every result says of the recording that it is from. Pure functions; thread-safe; allocate.
#pragma once

#include <cstdint>
#include <unordered_set>

#include "analysis/recording_tables.h"
#include "heapledger/recording_info.h"

namespace heapledger::analysis {

// The workers that serve, given those that requests with rows of their own name.
// Supervisors, reloaders and preloading masters keep a ledger too and serve nothing: a worker has had a request. Where
// none had, it is a process that a server's adapter was installed in, else any. A slice does not say who served its
// requests; the owners of the worker's books do.
std::unordered_set<std::int64_t> serving_workers(const RecordingTables& tables,
                                                 std::unordered_set<std::int64_t> served);

RecordingInfo describe_recording(const RecordingTables& tables, std::uint64_t serving_count);

}  // namespace heapledger::analysis
