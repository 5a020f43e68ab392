// RSS, live and allocator-retained memory of the service as it last stood, never mixed.
//
// A recording may hold many more workers than ever ran together (--max-requests, reloads). The processes summed here
// are those alive at the moment the last of them started: from then on none was added, before it some were replaced.
// Pure function; no allocation; fork-safe.
#pragma once

#include "analysis/recording_tables.h"
#include "analysis/selection.h"
#include "heapledger/requests.h"

namespace heapledger::analysis {

MemoryUse sum_memory(const RecordingTables& tables, const Selection& selection);

}  // namespace heapledger::analysis
