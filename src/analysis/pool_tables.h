// What a recording holds of pools, gathered for the analysis: pools that are one to the user together. Plain values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analysis/pool_history.h"
#include "recording/pool_rows.h"

namespace heapledger::analysis {

// A pool in one worker.
struct WorkerPool {
  recording::PoolRow row;
  PoolHistory history;
  std::vector<recording::ConnectionRow> connections;  // without those that are closed and left nothing
  bool any_connection = false;
  std::int64_t first_number = 0;  // of all its connections
  bool current = false;           // its worker ran when the last one that has this pool had started
  bool serves = true;             // its worker serves requests, or none that has this pool does
  bool worker_runs = false;
  std::int64_t end_us = 0;  // until when it was watched
  std::uint64_t open_connections = 0;
  // Nothing of it is open though it was used, and its worker has ended: it was closed on the way out.
  bool was_closed() const { return !worker_runs && open_connections == 0 && history.checkouts > 0; }
  const PoolHistory::Standing& standing() const { return was_closed() ? history.at_last_use() : history.at_end(); }
};

// All of one name and library.
struct PoolGroup {
  std::vector<std::unique_ptr<WorkerPool>> pools;  // by PoolRow::id
};

}  // namespace heapledger::analysis
