#include "analysis/memory_use.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace heapledger::analysis {
namespace {

// One part that is unknown makes the sum unknown.
void add_part(std::optional<std::uint64_t>& sum, const std::optional<std::int64_t>& part) {
  if (!part) {
    sum.reset();
  } else if (sum) {
    *sum += static_cast<std::uint64_t>(std::max<std::int64_t>(0, *part));
  }
}

}  // namespace

MemoryUse sum_memory(const RecordingTables& tables, const Selection& selection) {
  std::int64_t last_start_us = 0;
  for (const auto& worker : tables.workers) {
    if (selection.has_worker(worker.id) && worker.rss_bytes) {
      last_start_us = std::max(last_start_us, worker.started_us);
    }
  }
  MemoryUse use;
  use.rss_bytes = 0;
  use.live_bytes = 0;
  use.allocator_retained_bytes = 0;
  use.heapledger_bytes = 0;
  for (const auto& worker : tables.workers) {
    const bool replaced = worker.ended_us && *worker.ended_us <= last_start_us && worker.started_us < last_start_us;
    if (!selection.has_worker(worker.id) || !worker.rss_bytes || replaced) {
      continue;
    }
    ++use.processes;
    add_part(use.rss_bytes, worker.rss_bytes);
    *use.live_bytes += worker.live_bytes;
    add_part(use.allocator_retained_bytes, worker.allocator_retained_bytes);
    add_part(use.heapledger_bytes, worker.heapledger_bytes);
  }
  if (use.processes == 0) {
    return {};
  }
  if (use.rss_bytes && use.allocator_retained_bytes && use.heapledger_bytes) {
    use.other_bytes = static_cast<std::int64_t>(*use.rss_bytes) - *use.live_bytes -
                      static_cast<std::int64_t>(*use.allocator_retained_bytes) -
                      static_cast<std::int64_t>(*use.heapledger_bytes);
  }
  return use;
}

}  // namespace heapledger::analysis
