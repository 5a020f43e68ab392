#include "analysis/recording_info.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

std::string join_distinct(const std::vector<recording::WorkerRow>& workers, std::string recording::WorkerRow::*member) {
  std::set<std::string> distinct;
  for (const auto& worker : workers) {
    distinct.insert(worker.*member);
  }
  std::string joined;
  for (const auto& value : distinct) {
    joined += (joined.empty() || value.empty() ? "" : ", ") + value;
  }
  return joined;
}

RecordingState state_of(const recording::MetaRow& meta) {
  if (meta.complete) {
    return RecordingState::kClosed;
  }
  if (meta.ended_unix_ns) {
    return RecordingState::kCutShort;
  }
  if (!meta.writer_runs) {
    return RecordingState::kNotClosed;
  }
  return *meta.writer_runs ? RecordingState::kBeingWritten : RecordingState::kCollectorKilled;
}

}  // namespace

std::unordered_set<std::int64_t> serving_workers(const RecordingTables& tables,
                                                 std::unordered_set<std::int64_t> served) {
  std::unordered_set<std::int64_t> serving = std::move(served);
  for (const auto& total : tables.owner_totals) {
    const bool of_requests =
        total.kind != recording::OwnerTotalKind::kService && total.kind != recording::OwnerTotalKind::kImport &&
        total.kind != recording::OwnerTotalKind::kConnection && total.kind != recording::OwnerTotalKind::kInherited;
    if (!tables.slices.empty() && of_requests && total.owners > 0) {
      serving.insert(total.worker);
    }
  }
  for (const recording::InFlightRow& request : tables.in_flight) {
    serving.insert(request.worker);
  }
  const bool any_request = !serving.empty();
  const auto has_server = [](const auto& worker) { return !worker.server.empty(); };
  const bool any_server = std::any_of(tables.workers.begin(), tables.workers.end(), has_server);
  for (const auto& worker : tables.workers) {
    if (!any_request && (!any_server || has_server(worker))) {
      serving.insert(worker.id);
    }
  }
  return serving;
}

RecordingInfo describe_recording(const RecordingTables& tables, std::uint64_t serving_count) {
  const recording::MetaRow& meta = tables.meta;
  RecordingInfo info;
  info.path = tables.path;
  info.schema_version = meta.schema_version;
  info.heapledger_version = meta.heapledger_version;
  info.started_unix_us = meta.started_unix_ns / 1000;
  info.duration_seconds = static_cast<double>(std::max<std::int64_t>(0, tables.end_us)) / 1e6;
  info.command = meta.command;
  info.python = join_distinct(tables.workers, &recording::WorkerRow::python);
  info.mode = meta.mode;
  info.native = meta.native;
  info.worker_count = serving_count;
  info.complete = meta.complete;
  info.state = state_of(meta);
  info.dropped_requests = count_of(meta.dropped_requests);
  return info;
}

}  // namespace heapledger::analysis
