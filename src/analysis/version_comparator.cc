#include "heapledger/version_comparator.h"

#include <memory>
#include <optional>
#include <random>
#include <utility>

#include "analysis/leaks_analysis.h"
#include "analysis/memory_budget.h"
#include "analysis/traffic.h"
#include "analysis/version_comparison.h"
#include "analysis/version_risk.h"
#include "recording/recording.h"

namespace heapledger::analysis {
namespace {

struct Source {
  explicit Source(const std::string& path) : recording(path) {}
  recording::Recording recording;
  VersionRecording known;
};

std::unique_ptr<Source> open_source(const std::string& path) {
  auto source = std::make_unique<Source>(path);
  const recording::Recording& recording = source->recording;
  VersionRecording& known = source->known;
  known.spans = recording.request_spans();
  known.tables = read_tables(recording, known.spans);
  known.code = {recording.places(), recording.stacks(), recording.sites()};
  known.notices = {recording.endpoint_notices(), recording.compat_marks()};
  LeakTables survivors;
  survivors.lives = recording.endpoint_lives();
  survivors.cohorts = recording.cohorts();
  survivors.spans = known.spans;
  known.leaks = find_leaks(known.tables, survivors, {});
  return source;
}

RequestsOptions traffic_of(const VersionsOptions& options) {
  RequestsOptions choice;  // of all endpoints: they share the memory
  choice.since = options.since;
  choice.until = options.until;
  choice.warmup_us = options.warmup_us;
  return choice;
}

Traffic traffic_in(const Source& source, const VersionsOptions& options) {
  const RecordingTables& tables = source.known.tables;
  Traffic traffic(tables, source.known.spans, Selection(traffic_of(options), tables), KeptValues::kNone);
  for (const auto& slice : tables.slices) {
    traffic.add(slice);
  }
  source.recording.for_each_request_level([&traffic](const recording::RequestLevelRow& row) { traffic.add(row); });
  return traffic;
}

VersionsResult with_risk(const Source& source, const Source* other, const VersionsOptions& options,
                         VersionComparison& comparison, std::mt19937_64& random) {
  const recording::Recording& recording = source.recording;
  const MemorySamples samples{recording.timeline(), recording.segment_readings(), source.known.spans};
  const MemoryBudget budget = find_budget(source.known.tables, samples, options.memory_limit_bytes).budget;
  if (!budget.limit_bytes || budget.headroom_bytes.value_or(0) == 0) {
    VersionsResult result = comparison.finish(random);
    result.risk_missing = budget.limit_bytes ? VersionRiskMissing::kNoHeadroom : VersionRiskMissing::kNoLimit;
    return result;
  }
  const Traffic traffic = traffic_in(source, options);
  const std::optional<Traffic> after = other == nullptr ? std::nullopt : std::optional(traffic_in(*other, options));
  const VersionRisk risk(traffic, static_cast<double>(*budget.headroom_bytes), random, after ? &*after : nullptr);
  return comparison.finish(random, &risk);
}

}  // namespace

VersionComparator::VersionComparator(std::string recording_path, std::optional<std::string> other_path)
    : recording_path_(std::move(recording_path)), other_path_(std::move(other_path)) {}

VersionsResult VersionComparator::analyze(const VersionsOptions& options) const {
  const std::unique_ptr<Source> source = open_source(recording_path_);
  const std::unique_ptr<Source> other = other_path_ ? open_source(*other_path_) : nullptr;
  VersionComparison comparison(source->known, other ? &other->known : nullptr, options);
  source->recording.for_each_request_cost([&](const recording::RequestCostRow& row) { comparison.add(row); });
  if (other) {
    other->recording.for_each_request_cost([&](const recording::RequestCostRow& row) { comparison.add_other(row); });
  }
  std::mt19937_64 random(options.seed);
  return with_risk(*source, other.get(), options, comparison, random);
}

}  // namespace heapledger::analysis
