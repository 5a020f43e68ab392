#include "analysis/version_comparison.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "analysis/recording_info.h"
#include "analysis/row_arithmetic.h"
#include "analysis/statistics/benjamini_hochberg.h"
#include "analysis/version_figures.h"
#include "analysis/version_retention.h"

namespace heapledger::analysis {
namespace {

constexpr VersionStandard kStandard;

RequestsOptions choice_of(const VersionsOptions& options, bool with_workers) {
  RequestsOptions choice;
  choice.routes = options.routes;
  choice.methods = options.methods;
  choice.since = options.since;
  choice.until = options.until;
  choice.warmup_us = options.warmup_us;
  if (with_workers) {
    choice.workers = options.workers;
  }
  return choice;
}

RecordingInfo info_of(const VersionRecording& recording) {
  std::unordered_set<std::int64_t> served;
  for (const recording::RequestSpanRow& span : recording.spans) {
    served.insert(span.worker);
  }
  return describe_recording(recording.tables, serving_workers(recording.tables, std::move(served)).size());
}

std::uint64_t folded_in(const VersionRecording& recording, const VersionSides& sides) {
  std::uint64_t folded = 0;
  for (const recording::SliceRow& slice : recording.tables.slices) {
    folded += sides.of_endpoint(slice.endpoint) != nullptr ? count_of(slice.requests) : 0;
  }
  return folded;
}

bool has(const VersionPair& pair, VersionVerdict verdict) {
  return std::any_of(pair.metrics.begin(), pair.metrics.end(),
                     [verdict](const VersionMetric& metric) { return metric.decides && metric.verdict == verdict; });
}

const VersionMetric& figure_of(const VersionPair& pair, const char* name) {
  return *std::find_if(pair.metrics.begin(), pair.metrics.end(),
                       [name](const VersionMetric& metric) { return metric.name == name; });
}

// The pair's verdict, with the grounds and the requests needed of the figure that lacks most.
void conclude(VersionPair& pair) {
  const VersionMetric& peak = figure_of(pair, "peak_bytes");
  const VersionMetric& allocated = figure_of(pair, "allocated_bytes");
  pair.grounds = VersionGrounds::kMeasured;
  if (has(pair, VersionVerdict::kRegression)) {
    pair.verdict = VersionVerdict::kRegression;
  } else if (has(pair, VersionVerdict::kImprovement)) {
    pair.verdict = VersionVerdict::kImprovement;
  } else if (peak.verdict == VersionVerdict::kSame && allocated.verdict == VersionVerdict::kSame) {
    pair.verdict = VersionVerdict::kSame;
  } else {
    const VersionMetric& lacking = peak.verdict == VersionVerdict::kSame ? allocated : peak;
    pair.grounds = lacking.grounds;
    for (const VersionMetric* metric : {&peak, &allocated}) {
      if (metric->requests_needed) {
        pair.requests_needed = std::max(pair.requests_needed.value_or(0), *metric->requests_needed);
      }
    }
  }
}

std::vector<VersionEndpoint> listed(const std::vector<const VersionSide*>& sides) {
  std::vector<VersionEndpoint> endpoints;
  for (const VersionSide* side : sides) {
    if (side->requests > 0) {
      endpoints.push_back({side->id, side->requests});
    }
  }
  return endpoints;
}

}  // namespace

VersionComparison::VersionComparison(const VersionRecording& recording, const VersionRecording* other,
                                     const VersionsOptions& options)
    : recording_(recording),
      other_(other),
      options_(options),
      sides_(recording.tables, recording.spans, choice_of(options, true)) {
  if (other_ == nullptr) {
    pairing_ = pair_within(sides_);
  } else {
    other_sides_.emplace(other->tables, other->spans, choice_of(options, false));
    pairing_ = pair_across(sides_, *other_sides_);
    other_sides_->reserve(other->spans);
  }
  sides_.reserve(recording.spans);
}

VersionPair VersionComparison::compare(const SidePair& sides, std::mt19937_64& random) const {
  const VersionSide& from = *sides.from;
  const VersionSide& to = *sides.to;
  const VersionFigures figures(from.columns, to.columns, other_ != nullptr, kStandard);
  VersionPair pair;
  pair.method = from.id.method;
  pair.route = sides.route;
  pair.from = sides.from_name;
  pair.to = sides.to_name;
  pair.from_route = from.id.route;
  pair.to_route = to.id.route;
  pair.from_requests = from.columns.size();
  pair.to_requests = to.columns.size();
  pair.from_errors = from.errors;
  pair.to_errors = to.errors;
  pair.from_left_out = from.left_out;
  pair.to_left_out = to.left_out;
  pair.from_blocks = figures.from_blocks();
  pair.to_blocks = figures.to_blocks();
  pair.metrics = figures.compare(random);
  pair.payload_matched = figures.payload_match(random);
  const VersionRecording& after = other_ == nullptr ? recording_ : *other_;
  pair.metrics.push_back(compare_retention(retention_of(from, sides_, recording_.leaks),
                                           retention_of(to, other_ == nullptr ? sides_ : *other_sides_, after.leaks),
                                           kStandard.margin_ratio));
  pair.sites = compare_sites({recording_.code, from}, {after.code, to});
  return pair;
}

void VersionComparison::judge_all(std::vector<VersionPair>& pairs) const {
  std::vector<double> p_values;
  std::vector<std::pair<VersionMetric*, std::uint64_t>> tested;
  for (VersionPair& pair : pairs) {
    for (VersionMetric& metric : pair.metrics) {
      if (metric.p_value) {
        p_values.push_back(*metric.p_value);
        tested.emplace_back(&metric, pair.from_requests + pair.to_requests);
      }
    }
  }
  const std::vector<double> q_values = statistics::benjamini_hochberg(p_values);
  for (std::size_t i = 0; i < tested.size(); ++i) {
    tested[i].first->q_value = q_values[i];
    judge(*tested[i].first, tested[i].second, kStandard);
  }
  for (VersionPair& pair : pairs) {
    conclude(pair);
  }
}

void VersionComparison::describe(VersionsResult& result) const {
  result.recording = info_of(recording_);
  result.requests = sides_.requests();
  result.requests_folded = folded_in(recording_, sides_);
  result.confidence_ratio = kStandard.confidence_ratio;
  result.margin_ratio = kStandard.margin_ratio;
  result.finding_ratio = kStandard.finding_ratio;
  result.versions = pairing_.versions;
  result.unmatched = sides_.selection().unmatched(recording_.tables.endpoints);
  result.limit = options_.limit;
  result.report = options_.report;
  if (other_ != nullptr) {
    result.other = info_of(*other_);
    result.requests += other_sides_->requests();
    result.requests_folded += folded_in(*other_, *other_sides_);
  }
}

VersionsResult VersionComparison::finish(std::mt19937_64& random, const VersionRisk* risk) {
  VersionsResult result;
  describe(result);
  result.risk_missing = risk == nullptr ? VersionRiskMissing::kNoLimit : VersionRiskMissing::kNothing;
  std::vector<const SidePair*> served;
  for (const SidePair& sides : pairing_.pairs) {
    if (sides.from->requests + sides.to->requests > 0) {
      served.push_back(&sides);
      result.pairs.push_back(compare(sides, random));
      result.pairs.back().risk = risk == nullptr ? std::nullopt : risk->of(*sides.from, *sides.to);
    }
  }
  if (other_ != nullptr && risk != nullptr) {
    result.risk = risk->of_all(served);
  }
  judge_all(result.pairs);
  std::vector<JudgedPair> judged;
  for (std::size_t i = 0; i < served.size(); ++i) {
    judged.push_back({served[i], result.pairs[i].verdict});
  }
  result.added = listed(pairing_.added);
  result.removed = listed(pairing_.removed);
  result.deprecated = deprecated_endpoints(sides_, pairing_, recording_.leaks, recording_.notices);
  result.compatibility = compatibility_costs(sides_, recording_.notices);
  for (const recording::CompatMarkRow& row : recording_.notices.marks) {
    result.compatibility_calls_dropped += row.name.empty() ? count_of(row.calls) : 0;
    result.versions_altered += row.name == kVersionAltered ? count_of(row.calls) : 0;
  }
  result.steps = migration_steps(sides_, judged, pairing_);
  result.capacity = migration_capacity(sides_, judged, kStandard.confidence_ratio);
  std::stable_sort(result.pairs.begin(), result.pairs.end(), [](const VersionPair& a, const VersionPair& b) {
    return std::tuple(a.verdict, b.from_requests + b.to_requests) <
           std::tuple(b.verdict, a.from_requests + a.to_requests);
  });
  return result;
}

std::optional<bool> VersionsResult::has_regression() const {
  std::optional<bool> found;
  for (const VersionPair& pair : pairs) {
    if (pair.verdict != VersionVerdict::kInconclusive) {
      found = found.value_or(false) || pair.verdict == VersionVerdict::kRegression;
    }
  }
  return found;
}

}  // namespace heapledger::analysis
