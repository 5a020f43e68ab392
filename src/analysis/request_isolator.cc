#include <utility>

#include "analysis/interference_analysis.h"
#include "analysis/leaks_analysis.h"
#include "analysis/lifecycle_analysis.h"
#include "analysis/recording_tables.h"
#include "analysis/request_sites.h"
#include "analysis/requests_analysis.h"
#include "analysis/segments_analysis.h"
#include "analysis/selection.h"
#include "heapledger/request_isolator.h"
#include "recording/recording.h"

namespace heapledger::analysis {

namespace {

void read_curves(const recording::Recording& source, const std::vector<std::int64_t>& endpoints,
                 LifecycleAnalysis& analysis) {
  using Phase = recording::RequestPhase;
  source.for_each_curve(endpoints, [&analysis](const recording::RequestCurveRow& request) { analysis.add(request); });
  for (const Phase phase : {Phase::kRead, Phase::kDeserialize, Phase::kHandle, Phase::kSerialize, Phase::kSend}) {
    source.for_each_phase(phase, endpoints, [&analysis](const recording::PhaseRow& row) { analysis.add(row); });
    analysis.end_phase(phase);
  }
}

}  // namespace

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

LifecycleResult RequestIsolator::lifecycle(const LifecycleOptions& options) const {
  const recording::Recording source(recording_path_);
  const std::vector<recording::RequestSpanRow> spans = source.request_spans();
  const RecordingTables tables = read_tables(source, spans);
  LifecycleAnalysis analysis(tables, options);
  for (const auto& slice : tables.slices) {
    analysis.add(slice);
  }
  for (const auto& life : source.endpoint_lives()) {
    analysis.add(life);
  }
  const std::vector<std::int64_t> endpoints = analysis.endpoints();
  if (!endpoints.empty()) {
    read_curves(source, endpoints, analysis);
  }
  for (const auto& request : source.requests_with_ids(analysis.named())) {
    analysis.add_named(request);
  }
  return analysis.finish(spans);
}

InterferenceResult RequestIsolator::interference(const InterferenceOptions& options) const {
  const recording::Recording source(recording_path_);
  const RecordingTables tables = read_tables(source);
  InterferenceAnalysis analysis(tables, options);
  for (const auto& slice : tables.slices) {
    analysis.add(slice);
  }
  source.for_each_curve({}, [&analysis](const recording::RequestCurveRow& request) { analysis.add(request); });
  return analysis.finish();
}

}  // namespace heapledger::analysis
