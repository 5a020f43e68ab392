// Lifecycles to render, computed from rows by the analysis itself.
#pragma once

#include <string>

#include "../analysis/lifecycle_rows.h"

namespace heapledger::report {

inline recording::RequestRow named_row(std::int64_t endpoint, std::int64_t sequence, std::int64_t peak_bytes) {
  recording::RequestRow row = analysis::request_row(endpoint, peak_bytes * 2, sequence * 1'000'000);
  row.sequence = sequence;
  row.peak_bytes = peak_bytes;
  row.escaped_bytes = 4096;
  row.in_flight_at_start = 3;
  row.in_flight_peak = 4;
  row.curve = static_cast<std::int64_t>(0x0123'4567'89AB'CDEF);
  row.peak_percent = 97;
  return row;
}

// 200 reports that grow and are let go of at half time, of 1 to 9 MiB; what escapes is mostly freed soon.
inline analysis::LifecycleResult report_lifecycle(bool hostile = false) {
  constexpr std::int64_t kMiB = 1 << 20;
  auto tables = analysis::small_tables();
  tables.endpoints = {{1, "GET", hostile ? "=\x1b[31m/r\xff\n\u202e" : "/report/{id}", hostile ? "v\x1b" : "", hostile},
                      {2, "POST", "/report/{id}", "", false}};
  using Kind = recording::OwnerTotalKind;
  tables.owner_totals = {{1, Kind::kTenured, 1, {}, 1, 0, 0, 40'000}};
  std::vector<recording::RequestCurveRow> rows;
  for (std::int64_t i = 0; i < 200; ++i) {
    rows.push_back(analysis::curve_row(1, i * 100'000, kMiB + i * 8 * kMiB / 200));
    rows.back().curve = static_cast<std::int64_t>(0x38CF'FFFF'4321'1111);
    rows.back().peak_percent = 20 + i % 10;
    rows.back().duration_us = 40'000 + i * 100;
    rows.back().escaped_bytes = 4096;
    rows.back().after_response_bytes = i % 2 == 0 ? 0 : 65'536;
  }
  rows.push_back(analysis::curve_row(2, 0, 900));
  rows.back().curve.reset();
  rows.back().duration_us = 90;
  rows.push_back(rows.front());
  rows.back().curve.reset();
  recording::EndpointLifeRow life;
  life.worker = 1;
  life.endpoint = 1;
  life.freed_by_age_bytes = {500'000, 0, 279'200, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  analysis::LifecycleOptions options = analysis::every_route();
  options.slowest = 2;
  if (hostile) options.methods = {"get", "PUT\x1b"};
  analysis::LifecycleAnalysis analysis(tables, options);
  analysis::add_all(analysis, tables, rows);
  analysis.add(life);
  using Phase = recording::RequestPhase;
  for (const Phase phase : {Phase::kRead, Phase::kDeserialize, Phase::kHandle, Phase::kSerialize, Phase::kSend}) {
    const auto scale = static_cast<std::int64_t>(phase);
    for (std::int64_t i = 0; i < 200; ++i) {
      analysis.add(recording::PhaseRow{1, 1, 0, scale * 100 * i, scale * 1000 * i, scale * 20 * i});
    }
    analysis.end_phase(phase);
  }
  analysis.add_named(named_row(1, 200, 8 * kMiB));
  recording::RequestRow without = named_row(1, 199, 7 * kMiB);
  without.curve.reset();
  analysis.add_named(without);
  return analysis.finish(analysis::spans_of(rows));
}

}  // namespace heapledger::report
