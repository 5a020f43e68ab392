// Rows of a made-up recording whose figures are known by construction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analysis/recording_tables.h"
#include "analysis/requests_analysis.h"
#include "heapledger/request_isolator.h"
#include "recording/figures.h"
#include "recording/rows.h"

namespace heapledger::analysis {

inline constexpr std::int64_t kStartedUnixNs = 1'795'000'000'000'000'000;  // 2026-11-18T11:06:40Z

inline recording::WorkerRow worker_row(std::int64_t id) {
  recording::WorkerRow worker;
  worker.id = id;
  worker.pid = 1000 + id;
  worker.python = "3.11.2";
  worker.server = "gunicorn";
  worker.ended_us = 60'000'000;
  worker.ending = recording::WorkerEnding::kFrozen;
  worker.allocated_bytes = 10'000;
  worker.freed_bytes = 7'000;
  worker.live_bytes = 3'000;
  worker.unattributed_bytes = 500;
  worker.audited_live_bytes = 3'000;
  worker.audited_owner_mismatches = 0;
  worker.rss_bytes = 20'000;
  worker.allocator_retained_bytes = 4'000;
  worker.heapledger_bytes = 1'000;
  return worker;
}

// One worker, GET /orders (1) and POST /orders (2), one minute.
inline RecordingTables small_tables() {
  RecordingTables tables;
  tables.path = "small.db";
  tables.meta.schema_version = 1;
  tables.meta.heapledger_version = "0.1.0";
  tables.meta.command = "/usr/bin/gunicorn";
  tables.meta.mode = "exact";
  tables.meta.started_unix_ns = kStartedUnixNs;
  tables.meta.ended_unix_ns = kStartedUnixNs + 60'000'000'000;
  tables.meta.complete = true;
  tables.end_us = 60'000'000;
  tables.workers = {worker_row(1)};
  tables.endpoints = {{1, "GET", "/orders", "", false}, {2, "POST", "/orders", "", false}};
  return tables;
}

inline recording::RequestRow request_row(std::int64_t endpoint, std::int64_t allocated_bytes,
                                         std::int64_t started_us = 0) {
  recording::RequestRow request;
  request.worker = 1;
  request.endpoint = endpoint;
  request.started_us = started_us;
  request.duration_us = 250'000;
  request.status = 200;
  request.in_flight_at_start = 1;
  request.in_flight_peak = 1;
  request.allocated_bytes = allocated_bytes;
  request.allocations = 10;
  request.peak_bytes = allocated_bytes / 2;
  request.isolated_bytes = allocated_bytes;
  request.byte_seconds = static_cast<double>(allocated_bytes) / 8;
  return request;
}

inline RequestsResult analyze(const RecordingTables& tables, const std::vector<recording::RequestRow>& requests,
                              const RequestsOptions& options = {}) {
  RequestsAnalysis analysis(tables, options);
  for (const auto& slice : tables.slices) {
    analysis.add(slice);
  }
  for (const auto& request : requests) {
    analysis.add(request);
  }
  return analysis.finish();
}

}  // namespace heapledger::analysis
