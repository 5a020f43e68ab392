// As extreme_rows_test.cc, for lifecycle and interference.
#include <gtest/gtest.h>

#include <limits>

#include "../analysis/interference_rows.h"
#include "report/json_document.h"

namespace heapledger::report {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

std::vector<recording::RequestCurveRow> extreme_curves(std::int64_t size, std::int64_t at_us) {
  std::vector<recording::RequestCurveRow> rows;
  for (int i = 0; i < 300; ++i) {
    recording::RequestCurveRow row = analysis::curve_row(1 + i % 2, at_us, size);
    row.id = i % 2 == 0 ? kLeast : kMost;
    row.duration_us = row.in_flight_at_start = row.escaped_bytes = row.after_response_bytes = size;
    row.byte_seconds = i % 3 == 0 ? std::numeric_limits<double>::infinity() : -1e308;
    row.curve = i % 5 == 0 ? std::nullopt : std::optional(size);
    row.peak_percent = i % 2 == 0 ? size : 255;
    rows.push_back(row);
  }
  return rows;
}

template <class Result>
void render_all(const Result& result) {
  EXPECT_FALSE(result.to_text().empty());
  EXPECT_FALSE(result.to_csv().empty());
  EXPECT_TRUE(Json::accept(result.to_json()));
}

analysis::LifecycleResult extreme_lifecycle(const analysis::RecordingTables& tables,
                                            const std::vector<recording::RequestCurveRow>& rows, std::int64_t size) {
  analysis::LifecycleOptions options = analysis::every_route();
  options.largest = 3;
  analysis::LifecycleAnalysis analysis(tables, options);
  for (const auto& row : rows) analysis.add(row);
  recording::EndpointLifeRow life;
  life.worker = life.endpoint = 1;
  life.freed_by_age_bytes.assign(12, size);
  for (int i = 0; i < 3; ++i) analysis.add(life);
  analysis.add(recording::PhaseRow{1, 1, 0, size, size, size});
  analysis.end_phase(recording::RequestPhase::kHandle);
  EXPECT_EQ(analysis.named().size(), rows[0].started_us == kMost ? 0U : 6U);  // no time is after the last
  recording::RequestRow named = analysis::request_row(1, size, size);
  named.curve = named.peak_percent = named.duration_us = size;
  analysis.add_named(named);
  return analysis.finish(analysis::spans_of(rows));
}

TEST(ExtremeCurves, AreRendered) {
  for (const std::int64_t size : {kMost, std::int64_t{0}, kLeast}) {
    for (const std::int64_t at_us : {kMost, std::int64_t{0}, kLeast}) {
      auto tables = analysis::small_tables();
      tables.end_us = at_us;
      tables.meta.started_unix_ns = at_us;
      tables.peaks = {{1, at_us, size, size, {{1, size, size}, {1, size, size}}}};
      tables.owner_totals = {{1, recording::OwnerTotalKind::kTenured, 1, {}, size, size, size, at_us}};
      const auto rows = extreme_curves(size, at_us);
      render_all(extreme_lifecycle(tables, rows, size));
      render_all(analysis::interference(tables, rows));
    }
  }
}

}  // namespace
}  // namespace heapledger::report
