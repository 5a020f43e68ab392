// The analysis behind `heapledger pools`, as a pure function of rows: add every connection and event, then finish.
// Throws std::invalid_argument for a worker that the recording does not have. Allocates. One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "analysis/pool_leaks.h"
#include "analysis/pool_tables.h"
#include "analysis/recording_tables.h"
#include "analysis/selection.h"
#include "heapledger/pool_monitor.h"
#include "recording/pool_rows.h"
#include "recording/recording.h"

namespace heapledger::analysis {

class PoolsAnalysis {
 public:
  // All must outlive this object. `spans` say which workers served.
  PoolsAnalysis(const RecordingTables& tables, const std::vector<recording::PoolRow>& pools, const SiteTables& code,
                const std::vector<recording::RequestSpanRow>& spans, const PoolsOptions& options);

  void add(const recording::ConnectionRow& connection);
  void add(const recording::PoolEventRow& event);  // in the order of arrival
  PoolsResult finish(const recording::PoolLosses& losses);

 private:
  bool is_chosen(const recording::PoolRow& row) const;
  WorkerPool* pool_of(std::int64_t id);
  void settle_workers();
  void settle_who_serves();
  std::unordered_set<std::int64_t> served() const;
  PoolUse use_of(const PoolGroup& group) const;
  std::optional<double> room_for(const PoolUse& use) const;

  const RecordingTables& tables_;
  const std::vector<recording::PoolRow>& rows_;
  const std::vector<recording::RequestSpanRow>& spans_;
  const PoolsOptions& options_;
  Selection selection_;
  PoolNames names_;
  OpenRequests open_requests_;
  std::map<std::pair<std::string, std::string>, PoolGroup> groups_;  // by library, name
  std::unordered_map<std::int64_t, WorkerPool*> pools_;
  std::int64_t last_pool_ = 0;
  WorkerPool* last_ = nullptr;
};

}  // namespace heapledger::analysis
