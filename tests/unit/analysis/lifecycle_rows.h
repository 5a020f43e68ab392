// Requests whose curves are known by construction.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "analysis/lifecycle_analysis.h"
#include "rows_for_tests.h"

namespace heapledger::analysis {

inline constexpr std::uint64_t kFirstHalf = 0xFFFF'FFFF'0000'0000;
inline constexpr std::uint64_t kSecondHalf = 0x0000'0000'FFFF'FFFF;

inline recording::RequestCurveRow curve_row(std::int64_t endpoint, std::int64_t started_us, std::int64_t peak_bytes) {
  recording::RequestCurveRow row;
  row.worker = 1;
  row.endpoint = endpoint;
  row.started_us = started_us;
  row.duration_us = 250'000;
  row.in_flight_at_start = 1;
  row.peak_bytes = peak_bytes;
  row.byte_seconds = static_cast<double>(peak_bytes) / 8;
  row.curve = static_cast<std::int64_t>(kFirstHalf);
  row.peak_percent = 0;
  return row;
}

inline std::vector<recording::RequestSpanRow> spans_of(const std::vector<recording::RequestCurveRow>& rows) {
  std::map<std::pair<std::int64_t, std::int64_t>, recording::RequestSpanRow> spans;
  for (const auto& row : rows) {
    auto& span = spans[{row.worker, row.endpoint}];
    span.worker = row.worker;
    span.endpoint = row.endpoint;
    ++span.requests;
  }
  std::vector<recording::RequestSpanRow> list;
  for (const auto& [key, span] : spans) list.push_back(span);
  return list;
}

// Numbers the rows from 1.
inline void add_all(LifecycleAnalysis& analysis, const RecordingTables& tables,
                    const std::vector<recording::RequestCurveRow>& rows) {
  for (const auto& slice : tables.slices) analysis.add(slice);
  std::int64_t id = 0;
  for (recording::RequestCurveRow row : rows) {
    row.id = ++id;
    analysis.add(row);
  }
}

inline LifecycleOptions every_route() {
  LifecycleOptions options;
  options.route = "*";
  return options;
}

inline LifecycleResult lifecycle(const RecordingTables& tables, const std::vector<recording::RequestCurveRow>& rows,
                                 const std::vector<recording::EndpointLifeRow>& lives = {},
                                 const LifecycleOptions& options = every_route()) {
  LifecycleAnalysis analysis(tables, options);
  add_all(analysis, tables, rows);
  for (const auto& life : lives) analysis.add(life);
  return analysis.finish(spans_of(rows));
}

inline std::vector<std::int64_t> named(const RecordingTables& tables,
                                       const std::vector<recording::RequestCurveRow>& rows,
                                       const LifecycleOptions& options) {
  LifecycleAnalysis analysis(tables, options);
  add_all(analysis, tables, rows);
  return analysis.named();
}

}  // namespace heapledger::analysis
