#include "analysis/pools_analysis.h"

#include <algorithm>
#include <unordered_set>

#include "analysis/memory_use.h"
#include "analysis/nearest.h"
#include "analysis/pool_advice.h"
#include "analysis/pool_figures.h"
#include "analysis/recording_info.h"
#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

RequestsOptions choice_of(const PoolsOptions& options) {
  RequestsOptions choice;
  choice.workers = options.workers;
  return choice;
}

}  // namespace

PoolsAnalysis::PoolsAnalysis(const RecordingTables& tables, const std::vector<recording::PoolRow>& pools,
                             const SiteTables& code, const std::vector<recording::RequestSpanRow>& spans,
                             const PoolsOptions& options)
    : tables_(tables),
      rows_(pools),
      spans_(spans),
      options_(options),
      selection_(choice_of(options), tables),
      names_(tables.endpoints, code) {
  for (const recording::PoolRow& row : pools) {
    if (is_chosen(row)) {
      auto pool = std::make_unique<WorkerPool>();
      pool->row = row;
      pools_[row.id] = pool.get();
      groups_[{row.library, row.name}].pools.push_back(std::move(pool));
    }
  }
  for (const recording::InFlightRow& request : tables.in_flight) {
    open_requests_.insert({request.worker, request.sequence});
  }
  settle_workers();
  settle_who_serves();
}

bool PoolsAnalysis::is_chosen(const recording::PoolRow& row) const {
  const auto takes = [&row](const std::string& pattern) {
    return pattern == row.name || matches_route(pattern, row.name);
  };
  return selection_.has_worker(row.worker) &&
         (options_.pools.empty() || std::any_of(options_.pools.begin(), options_.pools.end(), takes));
}

void PoolsAnalysis::settle_workers() {
  std::unordered_map<std::int64_t, const recording::WorkerRow*> workers;
  for (const recording::WorkerRow& worker : tables_.workers) {
    workers[worker.id] = &worker;
  }
  for (auto& [key, group] : groups_) {
    std::optional<std::int64_t> last_start_us;
    for (const auto& pool : group.pools) {
      const auto worker = workers.find(pool->row.worker);
      if (worker != workers.end()) {
        last_start_us = std::max(last_start_us.value_or(worker->second->started_us), worker->second->started_us);
      }
    }
    for (const auto& pool : group.pools) {
      const auto worker = workers.find(pool->row.worker);
      if (worker == workers.end()) {
        continue;
      }
      const recording::WorkerRow& row = *worker->second;
      pool->worker_runs = row.ending == recording::WorkerEnding::kRunning;
      pool->end_us = row.ended_us.value_or(tables_.end_us);
      pool->current = !row.ended_us || *row.ended_us > *last_start_us || row.started_us == *last_start_us;
    }
  }
}

// A master that used its pool before it forked has connections, too, but no setting is times that one.
void PoolsAnalysis::settle_who_serves() {
  const std::unordered_set<std::int64_t> serving = serving_workers(tables_, served());
  for (auto& [key, group] : groups_) {
    const auto serves = [&serving](const auto& pool) { return serving.contains(pool->row.worker); };
    if (std::any_of(group.pools.begin(), group.pools.end(), serves)) {
      for (const auto& pool : group.pools) {
        pool->serves = serves(pool);
      }
    }
  }
}

std::unordered_set<std::int64_t> PoolsAnalysis::served() const {
  std::unordered_set<std::int64_t> served;
  for (const recording::RequestSpanRow& span : spans_) {
    served.insert(span.worker);
  }
  return served;
}

WorkerPool* PoolsAnalysis::pool_of(std::int64_t id) {
  if (last_ == nullptr || last_pool_ != id) {
    const auto found = pools_.find(id);
    last_ = found == pools_.end() ? nullptr : found->second;
    last_pool_ = id;
  }
  return last_;
}

void PoolsAnalysis::add(const recording::ConnectionRow& connection) {
  WorkerPool* pool = pool_of(connection.pool);
  if (pool == nullptr || pool->row.worker != connection.worker) {
    return;
  }
  using State = recording::ConnectionState;
  const bool first = !pool->any_connection || connection.number < pool->first_number;
  pool->first_number = first ? connection.number : pool->first_number;
  pool->any_connection = true;
  pool->open_connections += connection.state == State::kIdle || connection.state == State::kInUse ? 1 : 0;
  if (connection.state != State::kClosed) {
    pool->connections.push_back(connection);
  }
}

void PoolsAnalysis::add(const recording::PoolEventRow& event) {
  if (WorkerPool* pool = pool_of(event.pool); pool != nullptr && pool->row.worker == event.worker) {
    pool->history.add(event);
  }
}

// What the limit leaves for this pool: without the rest of the service, as it is at its latest samples.
std::optional<double> PoolsAnalysis::room_for(const PoolUse& use) const {
  const std::optional<std::uint64_t> rss_bytes = sum_memory(tables_, selection_).rss_bytes;
  if (!options_.memory_limit_bytes || !rss_bytes) {
    return std::nullopt;
  }
  const double rest = static_cast<double>(*rss_bytes) - static_cast<double>(use.memory.live_bytes);
  return std::max(0.0, static_cast<double>(*options_.memory_limit_bytes) - std::max(0.0, rest));
}

PoolUse PoolsAnalysis::use_of(const PoolGroup& group) const {
  PoolUse use;
  sum_pool_figures(group, names_, use);
  use.hold_threshold_seconds = hold_threshold(group);
  use.leaks = find_pool_leaks(group, open_requests_, names_);
  use.lost = static_cast<std::uint64_t>(std::count_if(use.leaks.begin(), use.leaks.end(), [](const PoolLeak& leak) {
    return leak.kind == PoolLeakKind::kNeverReturned || leak.kind == PoolLeakKind::kOrphan;
  }));
  use.needed_checkouts = use.checkouts < kLeastCheckoutsForAdvice ? kLeastCheckoutsForAdvice : 0;
  use.recommendations = recommend(group, use, room_for(use));
  return use;
}

PoolsResult PoolsAnalysis::finish(const recording::PoolLosses& losses) {
  PoolsResult result;
  result.recording = describe_recording(tables_, serving_workers(tables_, served()).size());
  result.memory_limit_bytes = options_.memory_limit_bytes;
  result.dropped_events = count_of(losses.dropped);
  result.folded_events = count_of(losses.folded);
  if (losses.since_us) {
    result.events_since_unix_us = add_limited(tables_.meta.started_unix_ns / 1000, *losses.since_us);
  }
  for (const auto& [key, group] : groups_) {
    for (const auto& pool : group.pools) {
      pool->history.end(pool->end_us);
    }
    result.pools.push_back(use_of(group));
  }
  std::stable_sort(result.pools.begin(), result.pools.end(),
                   [](const PoolUse& a, const PoolUse& b) { return a.memory.live_bytes > b.memory.live_bytes; });
  std::vector<std::string> known;
  for (const recording::PoolRow& row : rows_) {
    known.push_back(row.name);
  }
  for (const std::string& pattern : options_.pools) {
    const auto takes = [&pattern](const std::string& name) { return pattern == name || matches_route(pattern, name); };
    if (!known.empty() && std::none_of(known.begin(), known.end(), takes)) {
      result.unmatched.push_back({"pool", pattern, nearest(pattern, known)});
    }
  }
  result.limit = options_.limit;
  return result;
}

std::optional<bool> PoolsResult::has_leak() const {
  std::optional<bool> found;
  for (const PoolUse& pool : pools) {
    const auto lost = [](const PoolLeak& leak) { return leak.kind != PoolLeakKind::kHeldLong; };
    if (std::any_of(pool.leaks.begin(), pool.leaks.end(), lost)) {
      return true;
    }
    if (pool.checkouts > 0) {
      found = false;
    }
  }
  return found;
}

}  // namespace heapledger::analysis
