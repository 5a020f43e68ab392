#include "analysis/books.h"

#include <algorithm>

#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

constexpr std::int64_t kHighestSignal = 64;

// The public enumeration repeats the recording's.
static_assert(static_cast<int>(WorkerEnding::kRunning) == static_cast<int>(recording::WorkerEnding::kRunning));
static_assert(static_cast<int>(WorkerEnding::kFrozen) == static_cast<int>(recording::WorkerEnding::kFrozen));
static_assert(static_cast<int>(WorkerEnding::kStopped) == static_cast<int>(recording::WorkerEnding::kStopped));
static_assert(static_cast<int>(WorkerEnding::kDied) == static_cast<int>(recording::WorkerEnding::kDied));
static_assert(static_cast<int>(WorkerEnding::kDisplaced) == static_cast<int>(recording::WorkerEnding::kDisplaced));

std::optional<bool> combine(std::optional<bool> sum, std::optional<bool> one) {
  if (sum == false || one == false) {
    return false;
  }
  return sum && one ? std::optional<bool>(true) : std::nullopt;
}

}  // namespace

std::optional<bool> books_balance(const recording::WorkerRow& worker) {
  if (worker.ending == recording::WorkerEnding::kDisplaced || worker.displaced_us) {
    return std::nullopt;
  }
  if (subtract_limited(worker.allocated_bytes, worker.freed_bytes) != worker.live_bytes) {
    return false;
  }
  if (!worker.audited_live_bytes) {
    return std::nullopt;
  }
  return *worker.audited_live_bytes == worker.live_bytes && worker.audited_owner_mismatches.value_or(0) == 0;
}

Accounting sum_books(const RecordingTables& tables, const Selection& selection) {
  Accounting sum;
  std::optional<bool> balanced = true;
  bool any = false;
  for (const auto& worker : tables.workers) {
    if (!selection.has_worker(worker.id)) {
      continue;
    }
    any = true;
    sum.allocated_bytes += count_of(worker.allocated_bytes);
    sum.freed_bytes += count_of(worker.freed_bytes);
    sum.live_bytes = add_limited(sum.live_bytes, worker.live_bytes);
    sum.unattributed_bytes += count_of(worker.unattributed_bytes);
    sum.dropped_requests += count_of(worker.dropped_requests);
    sum.approximate_requests += count_of(worker.approximate_requests);
    sum.untracked_blocks += count_of(worker.untracked_blocks);
    sum.lost_frees += count_of(worker.lost_frees);
    sum.folded_endpoints += count_of(worker.folded_endpoints);
    balanced = combine(balanced, books_balance(worker));
  }
  // The recording counts what no worker's ledger can know of: rows that never reached the file.
  if (selection.has_every_worker()) {
    sum.dropped_requests = std::max(sum.dropped_requests, count_of(tables.meta.dropped_requests));
    sum.workers_without_ledger = count_of(tables.meta.workers_without_ledger);
    sum.run_folder_lost = tables.meta.run_folder_lost;
    // Whatever they hold, nobody walked it.
    if (sum.workers_without_ledger > 0 || sum.run_folder_lost) balanced = combine(balanced, std::nullopt);
  }
  sum.balanced = any ? balanced : std::nullopt;
  return sum;
}

std::vector<WorkerCost> list_workers(const RecordingTables& tables, const Selection& selection) {
  std::vector<WorkerCost> list;
  for (const auto& row : tables.workers) {
    if (!selection.has_worker(row.id)) {
      continue;
    }
    WorkerCost& worker = list.emplace_back();
    worker.worker = row.id;
    worker.pid = row.pid;
    worker.python = row.python;
    worker.server = row.server;
    worker.ending = static_cast<WorkerEnding>(row.ending);
    if (row.end_signal) {
      worker.end_signal = static_cast<int>(std::min<std::int64_t>(*row.end_signal, kHighestSignal));
    }
    worker.live_bytes = row.live_bytes;
    worker.audited_live_bytes = row.audited_live_bytes;
    if (row.audited_owner_mismatches) {
      worker.audited_owner_mismatches = count_of(*row.audited_owner_mismatches);
    }
    worker.balanced = books_balance(row);
    if (row.rss_bytes) {
      worker.rss_bytes = count_of(*row.rss_bytes);
    }
  }
  return list;
}

}  // namespace heapledger::analysis
