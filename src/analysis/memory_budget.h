// What of the memory limit is left for requests.
//
//   baseline   = sum over processes of  least(RSS - live) while serving + live between requests, less what they share
//   overhead   = sum (highest RSS - baseline) / sum (highest live - live between requests), at least 1
//   headroom   = (limit - baseline) / overhead
//
// RSS - live is code, the allocator's own and what it keeps for later. Its least value while serving is what the
// process needs; all beyond is what the allocator took for requests, and is in the overhead: at the highest moment
// recorded baseline + overhead * requests' live bytes is the RSS that was seen. RSS is sampled each second and stays up
// after a peak, as allocators keep what they have; live at its highest is exact. Where requests held less than 8 MiB at
// their highest the overhead is not measured: it is 1, and the baseline has the highest RSS - live instead of the
// least. Pages that processes share are counted once, from the latest reading of their maps. The processes are those of
// memory_use.h. Pure function; allocates; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/recording_tables.h"
#include "heapledger/rate_limiter.h"
#include "recording/rows.h"

namespace heapledger::analysis {

struct MemorySamples {
  std::vector<recording::TimelineRow> timeline;
  std::vector<recording::SegmentReadingRow> segments;
  std::vector<recording::RequestSpanRow> spans;
};

struct BudgetParts {
  MemoryBudget budget;
  std::uint64_t serving = 0;         // processes that served requests
  double worker_baseline_bytes = 0;  // of one of these, mean
};

BudgetParts find_budget(const RecordingTables& tables, const MemorySamples& samples,
                        const std::optional<std::uint64_t>& given_limit_bytes);

}  // namespace heapledger::analysis
