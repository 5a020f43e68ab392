// Results to render: computed from rows by the analysis itself, so that no figure in a golden file contradicts another.
#pragma once

#include <string>
#include <vector>

#include "../analysis/rows_for_tests.h"
#include "heapledger/requests.h"
#include "ledger/layout.h"

namespace heapledger::report {

inline constexpr std::int64_t kKiB = 1024;
inline constexpr std::int64_t kMiB = 1024 * kKiB;

// `count` requests whose peaks spread from `peak` to `peak` + `spread`, one a hundred milliseconds.
inline void add_requests(std::vector<recording::RequestRow>& rows, std::int64_t endpoint, std::int64_t worker,
                         std::int64_t count, std::int64_t peak, std::int64_t spread, std::int64_t escaped = 0) {
  for (std::int64_t i = 0; i < count; ++i) {
    recording::RequestRow row = analysis::request_row(endpoint, 0, i * 100'000);
    row.worker = worker;
    row.sequence = i + 1;
    row.peak_bytes = peak + spread * i / count;
    row.allocated_bytes = row.peak_bytes * 3;
    row.escaped_bytes = escaped;
    row.isolated_bytes = row.allocated_bytes - escaped;
    row.in_flight_at_start = 1 + i % 5;
    row.in_flight_peak = 6;
    row.byte_seconds = static_cast<double>(row.peak_bytes) / 8;
    rows.push_back(row);
  }
}

// A service as it should be read: one dear endpoint, one that keeps memory, two that are cheap.
inline analysis::RequestsResult orders_result(const analysis::RequestsOptions& options = {}) {
  using Kind = recording::OwnerTotalKind;
  auto tables = analysis::small_tables();
  tables.workers = {analysis::worker_row(1), analysis::worker_row(2)};
  for (auto& worker : tables.workers) {
    worker.allocated_bytes = 4000 * kMiB;
    worker.freed_bytes = 3905 * kMiB;
    worker.live_bytes = 95 * kMiB;
    worker.audited_live_bytes = worker.live_bytes;
    worker.unattributed_bytes = 76 * kMiB;
    worker.rss_bytes = 206 * kMiB;
    worker.allocator_retained_bytes = 78 * kMiB;
    worker.heapledger_bytes = 7 * kMiB;
  }
  tables.endpoints = {{1, "POST", "/orders/import", "", false},
                      {2, "GET", "/orders", "", false},
                      {3, "GET", "/report/{id}", "", false},
                      {4, "DELETE", "/orders/{order_id}/lines/{line_id}", "", false}};
  tables.owner_totals = {{1, Kind::kTenured, 3, {}, 1, 40 * kMiB, 0, 24 * kMiB},
                         {2, Kind::kRequest, 3, {}, 40, 3 * kMiB, kMiB, 2 * kMiB},
                         {2, Kind::kTenured, 1, {}, 1, 100 * kKiB, 4 * kKiB, 96 * kKiB}};
  tables.peaks = {{1, 20'000'000, 160 * kMiB, 1, {{1, 3, 90 * kMiB}}},
                  {2, 31'250'000, 178 * kMiB, 3, {{1, 9, 91 * kMiB}, {1, 10, 80 * kMiB}, {2, 11, 2 * kMiB}}}};
  std::vector<recording::RequestRow> rows;
  add_requests(rows, 1, 1, 212, 60 * kMiB, 62 * kMiB, 1126);
  add_requests(rows, 2, 2, 600, 2 * kMiB - 200 * kKiB, 800 * kKiB);
  add_requests(rows, 3, 1, 416, 8 * kMiB, 22 * kMiB, 64 * kKiB);
  add_requests(rows, 4, 2, 40, 12 * kKiB, 2 * kKiB);
  return analysis::analyze(tables, rows, options);
}

// Everything that can go wrong, at once, with native memory, versions and errors.
inline analysis::RequestsResult troubled_result() {
  auto tables = analysis::small_tables();
  tables.path = "with space.db";
  tables.meta.native = true;
  tables.meta.complete = false;
  tables.meta.dropped_requests = 17;
  tables.meta.workers_without_ledger = 2;
  tables.meta.run_folder_lost = true;
  tables.meta.single_requests_since_us = 30'000'000;
  tables.workers = {analysis::worker_row(1), analysis::worker_row(2), analysis::worker_row(3)};
  tables.workers[0].ending = recording::WorkerEnding::kDied;
  tables.workers[0].audited_live_bytes.reset();
  tables.workers[1].audited_live_bytes = 2'990;
  tables.workers[1].audited_owner_mismatches = 1;
  tables.workers[1].untracked_blocks = 12;
  tables.workers[1].python = "3.12.1";
  tables.workers[1].live_bytes = 3'000;
  tables.workers[1].rss_bytes = 2'000;
  tables.workers[2].ending = recording::WorkerEnding::kDisplaced;
  tables.workers[2].displaced_us = 12'000'000;
  tables.workers[2].approximate_requests = 2;
  tables.workers[2].folded_endpoints = 1;
  tables.endpoints = {{1, "GET", "/v1/orders", "v1", true}, {2, "GET", "/orders", "2026-01", false}};
  tables.in_flight = {{1, 1, 99, 100, 1, 1, 1}, {2, std::nullopt, 98, 100, 1, 1, 1}};
  recording::SliceRow early;
  early.endpoint = 1;
  early.until_us = 30'000'000;
  auto row = analysis::request_row(1, 8'000'000);
  row.native_allocated_bytes = 1'000'000;
  row.native_peak_bytes = 900'000;
  row.after_response_bytes = 70 * kKiB;
  recording::add_request(early, row);
  tables.slices = {early};
  std::vector<recording::RequestRow> rows{row, row, row, row};
  rows[1].status = 503;
  rows[2].flags = ledger::kRequestRaised;
  rows[3].endpoint = 2;
  rows[3].worker = 2;
  for (auto& single : rows) single.started_us = 40'000'000;
  return analysis::analyze(tables, rows);
}

// Routes that try to drive a terminal, a spreadsheet or a parser.
inline analysis::RequestsResult hostile_result() {
  auto tables = analysis::small_tables();
  tables.path = "hostile.db";
  tables.meta.command = "/opt/\x1b[2Jevil";
  tables.workers[0].server = "";
  const std::vector<std::string> routes{"=HYPERLINK(\"http://x\",\"y\")",
                                        "/a,b\"c",
                                        "/two\nlines",
                                        "/\x1b[31mred\x1b]0;title\x07",
                                        "/turn\u202eed",
                                        "/東京/{名前}",
                                        "/\u009bC1",
                                        "<unmatched>"};
  tables.endpoints.clear();
  std::vector<recording::RequestRow> rows;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const auto id = static_cast<std::int64_t>(i) + 1;
    tables.endpoints.push_back({id, i == 0 ? "+GET" : "GET", routes[i], i == 1 ? "\x1b[1m" : "", false});
    rows.push_back(analysis::request_row(id, 1'000'000 - 1000 * id));
  }
  tables.peaks = {{1, 1'000'000, 2'000'000, 1, {{4, 1, 1'500'000}}}};
  return analysis::analyze(tables, rows);
}

inline analysis::RequestsResult empty_result() { return analysis::analyze(analysis::small_tables(), {}); }

}  // namespace heapledger::report
