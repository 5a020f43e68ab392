// RSS, live and allocator-retained memory of the service as it last stood, never mixed.
//
// A recording may hold many more workers than ever ran together (--max-requests, reloads). The processes summed here
// are those alive at the moment the last of them started: from then on none was added, before it some were replaced.
// Pure function; no allocation; fork-safe.
#pragma once

#include <cstdint>
#include <limits>

#include "analysis/recording_tables.h"
#include "analysis/selection.h"
#include "heapledger/requests.h"

namespace heapledger::analysis {

// Which processes stood when the last one was started. A killed one is seen to be gone within two seconds only, and its
// successor may have been started by then: where others stood on, it did not.
class LastStand {
 public:
  void add(const recording::WorkerRow& worker);
  bool includes(const recording::WorkerRow& worker) const;

 private:
  std::int64_t last_start_us_ = std::numeric_limits<std::int64_t>::min();
  std::int64_t last_end_us_ = std::numeric_limits<std::int64_t>::min();
};

MemoryUse sum_memory(const RecordingTables& tables, const Selection& selection);

}  // namespace heapledger::analysis
