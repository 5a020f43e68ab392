#include "analysis/recording_tables.h"

#include <algorithm>

#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

// A recording that was not closed has no end of its own.
std::int64_t latest_us(const recording::Recording& source, const RecordingTables& tables) {
  std::int64_t latest = 0;
  for (const auto& worker : tables.workers) {
    latest = std::max({latest, worker.started_us, worker.ended_us.value_or(0)});
  }
  for (const auto& peak : tables.peaks) {
    latest = std::max(latest, peak.at_us);
  }
  for (const auto& request : tables.in_flight) {
    latest = std::max(latest, request.started_us);
  }
  for (const auto& sample : source.timeline()) {
    latest = std::max(latest, sample.at_us);
  }
  source.for_each_request({}, [&latest](const recording::RequestRow& request) {
    latest = std::max(latest, add_limited(request.started_us, request.duration_us));
  });
  return latest;
}

}  // namespace

RecordingTables read_tables(const recording::Recording& source) {
  RecordingTables tables;
  tables.path = source.path().string();
  tables.meta = source.read_meta();
  tables.workers = source.workers();
  tables.endpoints = source.endpoints();
  tables.owner_totals = source.owner_totals();
  tables.in_flight = source.in_flight();
  tables.peaks = source.peaks();
  tables.slices = source.slices();
  tables.end_us = tables.meta.ended_unix_ns
                      ? subtract_limited(*tables.meta.ended_unix_ns, tables.meta.started_unix_ns) / 1000
                      : latest_us(source, tables);
  return tables;
}

}  // namespace heapledger::analysis
