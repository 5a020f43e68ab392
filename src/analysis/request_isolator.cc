#include <utility>

#include "analysis/recording_tables.h"
#include "analysis/requests_analysis.h"
#include "analysis/segments_analysis.h"
#include "heapledger/analysis.h"
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
  return analysis.finish();
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

}  // namespace heapledger::analysis
