#include <utility>

#include "analysis/leaks_analysis.h"
#include "analysis/recording_tables.h"
#include "analysis/request_sites.h"
#include "analysis/requests_analysis.h"
#include "analysis/segments_analysis.h"
#include "analysis/selection.h"
#include "heapledger/request_isolator.h"
#include "recording/recording.h"

namespace heapledger::analysis {

RequestIsolator::RequestIsolator(std::string recording_path) : recording_path_(std::move(recording_path)) {}

RequestsResult RequestIsolator::analyze(const RequestsOptions& options) const {
  const recording::Recording source(recording_path_);
  const RecordingTables tables = read_tables(source);
  RequestsAnalysis analysis(tables, options);
  for (const auto& slice : tables.slices) {
    analysis.add(slice);
  }
  source.for_each_request({}, [&analysis](const recording::RequestRow& request) { analysis.add(request); });
  RequestsResult result = analysis.finish();
  result.sites_asked = !options.routes.empty();
  if (result.sites_asked) {
    const SiteTables code{source.places(), source.stacks(), source.sites()};
    result.sites = sites_of_requests(tables, code, source.endpoint_lives(), Selection(options, tables));
  }
  return result;
}

SegmentsResult RequestIsolator::segments(const SegmentsOptions& options) const {
  const recording::Recording source(recording_path_);
  const RecordingTables tables = read_tables(source);
  SegmentsAnalysis analysis(tables, options);
  for (const auto& slice : tables.slices) {
    analysis.add(slice);
  }
  source.for_each_request({}, [&analysis](const recording::RequestRow& request) { analysis.add(request); });
  for (const auto& reading : source.segment_readings()) {
    analysis.add(reading);
  }
  const std::vector<recording::FlowRow> flows = source.flows();
  for (const recording::FlowRow& flow : flows) {
    analysis.add(flow);
  }
  // A worker that was followed says something of every endpoint that a request of it has ended of.
  return analysis.finish(!flows.empty() || !source.endpoint_lives().empty());
}

LeaksResult RequestIsolator::leaks(const LeaksOptions& options) const {
  const recording::Recording source(recording_path_);
  LeakTables survivors;
  survivors.lives = source.endpoint_lives();
  survivors.cohorts = source.cohorts();
  survivors.spans = source.request_spans();
  survivors.code = {source.places(), source.stacks(), source.sites()};
  return find_leaks(read_tables(source, survivors.spans), survivors, options);
}

}  // namespace heapledger::analysis
