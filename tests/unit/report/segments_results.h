// Results of `heapledger segments` to render, computed from rows by the analysis itself.
#pragma once

#include <string>

#include "../analysis/rows_for_tests.h"
#include "analysis/segments_analysis.h"
#include "heapledger/segments.h"

namespace heapledger::report {

inline recording::SegmentReadingRow a_reading(std::int64_t worker, bool first, std::int64_t at_us, std::int64_t pss,
                                              std::vector<recording::SegmentRow> segments) {
  recording::SegmentReadingRow row;
  row.worker = worker;
  row.first = first;
  row.at_us = at_us;
  row.rss_bytes = 0;
  for (const auto& segment : segments) *row.rss_bytes += segment.rss_bytes;
  row.pss_bytes = pss;
  row.segments = std::move(segments);
  return row;
}

// A master and two workers that it forked, one of which wrote to what they shared; a worker that was replaced, one that
// could not be read and one that was not.
inline analysis::SegmentsResult segments_result() {
  using Kind = recording::SegmentKind;
  using Total = recording::OwnerTotalKind;
  constexpr std::int64_t kMiB = 1024 * 1024;
  auto tables = analysis::small_tables();
  tables.endpoints = {{1, "GET", "/orders", "v2", false}, {2, "POST", "=cmd()\x1b[31m\n", "", false}};
  tables.workers.clear();
  for (std::int64_t id = 1; id <= 6; ++id) {
    auto worker = analysis::worker_row(id);
    worker.parent_pid = id == 1 ? 1 : 1001;
    worker.started_us = id * 1'000'000;
    tables.workers.push_back(worker);
  }
  tables.workers[1].lost_flow_bytes = 3072;
  tables.workers[3].ended_us = 2'500'000;  // replaced by worker 3
  tables.workers[3].started_us = 1'500'000;
  tables.owner_totals = {{2, Total::kTenured, 1, {}, 1, 9 * kMiB, 6 * kMiB, 3 * kMiB}};
  analysis::SegmentsAnalysis analysis(tables, {});
  analysis.add(a_reading(1, true, 1'100'000, 80 * kMiB, {{Kind::kOtherAnonymous, 80 * kMiB, 0, 80 * kMiB}}));
  analysis.add(a_reading(
      1, false, 59'000'000, 42 * kMiB,
      {{Kind::kOtherAnonymous, 80 * kMiB, 76 * kMiB, 4 * kMiB}, {Kind::kLibraries, 12 * kMiB, 12 * kMiB, 0}}));
  analysis.add(a_reading(2, true, 2'100'000, 40 * kMiB,
                         {{Kind::kOtherAnonymous, 80 * kMiB, 80 * kMiB, 0}, {Kind::kPythonArenas, kMiB, kMiB, 0}}));
  analysis.add(a_reading(2, false, 59'000'000, 90 * kMiB,
                         {{Kind::kOtherAnonymous, 81 * kMiB, 13 * kMiB, 68 * kMiB},
                          {Kind::kPythonArenas, 24 * kMiB, 512 * 1024, 24 * kMiB - 512 * 1024},
                          {Kind::kMallocHeap, 5 * kMiB, 0, 5 * kMiB},
                          {Kind::kStacks, 300 * 1024, 0, 300 * 1024},
                          {Kind::kHeapledger, 6 * kMiB, kMiB, 5 * kMiB},
                          {Kind::kLibraries, 12 * kMiB, 11 * kMiB, kMiB}}));
  analysis.add(a_reading(3, true, 3'100'000, 40 * kMiB, {{Kind::kOtherAnonymous, 80 * kMiB, 80 * kMiB, 0}}));
  analysis.add(a_reading(3, false, 59'000'000, 41 * kMiB, {{Kind::kOtherAnonymous, 80 * kMiB, 79 * kMiB, kMiB}}));
  analysis.add(a_reading(4, true, 1'600'000, 40 * kMiB, {{Kind::kOtherAnonymous, 80 * kMiB, 80 * kMiB, 0}}));
  analysis.add(a_reading(4, false, 2'400'000, 40 * kMiB, {{Kind::kOtherAnonymous, 80 * kMiB, 80 * kMiB, 0}}));
  recording::SegmentReadingRow unread;
  unread.worker = 5;
  unread.at_us = 5'000'000;
  unread.reason = "/proc/PID/smaps: Permission denied";
  analysis.add(unread);
  auto request = analysis::request_row(1, 4 * kMiB);
  request.worker = 2;
  request.isolated_bytes = kMiB;
  request.escaped_bytes = 3 * kMiB;
  for (int i = 0; i < 3; ++i) analysis.add(request);
  request.endpoint = 2;
  request.isolated_bytes = 700;
  request.escaped_bytes = 0;
  request.adopted_bytes = 6 * kMiB;
  analysis.add(request);
  analysis.add(recording::FlowRow{2, 1, 2, 5 * kMiB, 40});
  analysis.add(recording::FlowRow{2, 1, {}, kMiB, 1});
  return analysis.finish(true);
}

inline analysis::SegmentsResult no_segments_result() {
  auto tables = analysis::small_tables();
  return analysis::SegmentsAnalysis(tables, {}).finish(false);
}

}  // namespace heapledger::report
