// Rows that no recorder writes but a damaged file may hold: every figure at either end of its range. Run under
// asan-ubsan this shows that nothing overflows on the way from a row to its rendering.
#include <gtest/gtest.h>

#include <limits>

#include "report/json_document.h"
#include "requests_results.h"

namespace heapledger::report {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

recording::RequestRow extreme_request(std::int64_t size, std::int64_t at_us, double byte_seconds) {
  auto row = analysis::request_row(1, size, at_us);
  row.duration_us = size;
  row.in_flight_at_start = row.in_flight_peak = row.allocations = row.peak_bytes = row.escaped_bytes = size;
  row.isolated_bytes = row.adopted_bytes = row.after_response_bytes = size;
  row.native_allocated_bytes = row.native_peak_bytes = size;
  row.byte_seconds = byte_seconds;
  return row;
}

analysis::RecordingTables extreme_tables(std::int64_t size, std::int64_t at_us) {
  auto tables = analysis::small_tables();
  tables.meta.native = true;
  tables.meta.started_unix_ns = at_us;
  tables.meta.dropped_requests = size;
  tables.meta.single_requests_since_us = at_us;
  tables.end_us = at_us;
  tables.workers = {analysis::worker_row(1), analysis::worker_row(2), analysis::worker_row(3)};
  for (auto& worker : tables.workers) {
    worker.allocated_bytes = worker.freed_bytes = worker.unattributed_bytes = size;
    worker.live_bytes = at_us;
    worker.audited_live_bytes = worker.audited_owner_mismatches = at_us;
    worker.started_us = at_us;
    worker.ended_us = at_us;
    worker.rss_bytes = worker.allocator_retained_bytes = worker.heapledger_bytes = size;
    worker.untracked_blocks = worker.folded_endpoints = worker.approximate_requests = worker.dropped_requests = size;
  }
  using Kind = recording::OwnerTotalKind;
  tables.owner_totals = {{1, Kind::kTenured, 1, {}, size, size, size, at_us},
                         {2, Kind::kRequest, 1, {}, size, size, size, at_us}};
  tables.peaks = {{1, at_us, size, size, {{1, size, size}, {1, size, size}, {1, size, size}}}};
  recording::SliceRow slice;
  slice.endpoint = 1;
  slice.from_us = kLeast;
  slice.until_us = kMost;
  slice.requests = slice.errors = size;
  for (auto* figure : {&slice.allocated_bytes, &slice.in_flight_peak, &slice.byte_seconds, &slice.duration_us}) {
    *figure = {1e308, 1e308, {{768, size}, {0, size}, {-512, size}, {std::numeric_limits<std::int32_t>::max(), 1}}};
  }
  tables.slices = {slice, slice};
  return tables;
}

void render_all(const analysis::RequestsResult& result) {
  EXPECT_FALSE(result.to_text().empty());
  EXPECT_FALSE(result.to_csv().empty());
  EXPECT_TRUE(Json::accept(result.to_json()));
}

TEST(ExtremeRows, AreRendered) {
  for (const std::int64_t size : {kMost, std::int64_t{0}, kLeast}) {
    for (const std::int64_t at_us : {kMost, std::int64_t{0}, kLeast}) {
      const double huge = size > 0 ? std::numeric_limits<double>::infinity() : -1e308;
      const std::vector<recording::RequestRow> rows(3, extreme_request(size, at_us, huge));
      analysis::RequestsOptions options;
      render_all(analysis::analyze(extreme_tables(size, at_us), rows, options));
      options.since = analysis::Moment::parse("-100000d");
      options.until = analysis::Moment::parse("9999-12-31");
      render_all(analysis::analyze(extreme_tables(size, at_us), rows, options));
    }
  }
}

}  // namespace
}  // namespace heapledger::report
