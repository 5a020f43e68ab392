#include "analysis/recording_tables.h"

#include <algorithm>
#include <optional>

#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

// A recording that was not closed has no end of its own.
std::int64_t latest_of_tables(const recording::Recording& source, const RecordingTables& tables) {
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
  return latest;
}

std::int64_t latest_of_requests(const recording::Recording& source) {
  std::int64_t latest = 0;
  source.for_each_request({}, [&latest](const recording::RequestRow& request) {
    latest = std::max(latest, add_limited(request.started_us, request.duration_us));
  });
  return latest;
}

RecordingTables read_all_but_the_end(const recording::Recording& source) {
  RecordingTables tables;
  tables.path = source.path().string();
  tables.meta = source.read_meta();
  tables.workers = source.workers();
  tables.endpoints = source.endpoints();
  tables.owner_totals = source.owner_totals();
  tables.in_flight = source.in_flight();
  tables.peaks = source.peaks();
  tables.slices = source.slices();
  return tables;
}

std::optional<std::int64_t> end_of(const recording::MetaRow& meta) {
  if (!meta.ended_unix_ns) {
    return std::nullopt;
  }
  return subtract_limited(*meta.ended_unix_ns, meta.started_unix_ns) / 1000;
}

}  // namespace

RecordingTables read_tables(const recording::Recording& source) {
  RecordingTables tables = read_all_but_the_end(source);
  const std::optional<std::int64_t> end_us = end_of(tables.meta);
  tables.end_us = end_us ? *end_us : std::max(latest_of_tables(source, tables), latest_of_requests(source));
  return tables;
}

RecordingTables read_tables(const recording::Recording& source, const std::vector<recording::RequestSpanRow>& spans) {
  RecordingTables tables = read_all_but_the_end(source);
  const std::optional<std::int64_t> end_us = end_of(tables.meta);
  tables.end_us = end_us ? *end_us : latest_of_tables(source, tables);
  for (const auto& span : spans) {
    tables.end_us = end_us ? *end_us : std::max(tables.end_us, span.last_started_us);
  }
  return tables;
}

}  // namespace heapledger::analysis
