#include "analysis/interference_analysis.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>

#include "analysis/endpoint_names.h"
#include "analysis/live_curves.h"
#include "analysis/pair_differences.h"
#include "analysis/peaks.h"
#include "analysis/recording_info.h"
#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

RequestsOptions selection_options(const InterferenceOptions& options) {
  RequestsOptions chosen;
  chosen.routes = options.routes;
  chosen.methods = options.methods;
  chosen.workers = options.workers;
  chosen.since = options.since;
  chosen.until = options.until;
  chosen.warmup_us = options.warmup_us;
  return chosen;
}

constexpr std::uint64_t kEveryPart = 0x1111'1111'1111'1111;
constexpr std::uint8_t kMiddlePercent = 50;

// A request without a curve is level at its mean.
void take_curve(SweptRequest& swept, const recording::RequestCurveRow& request) {
  if (request.curve && request.peak_percent) {
    swept.curve = static_cast<std::uint64_t>(*request.curve);
    swept.peak_percent = static_cast<std::uint8_t>(std::min<std::int64_t>(100, *request.peak_percent));
    return;
  }
  const double full = static_cast<double>(swept.peak_bytes) * static_cast<double>(request.duration_us) / 1e6;
  const double level = full > 0 ? real_of(request.byte_seconds) / full * kFullLevel : 0;
  swept.curve = kEveryPart * static_cast<std::uint64_t>(std::lround(std::min(level, kFullLevel)));
  swept.peak_percent = kMiddlePercent;
}

EndpointId id_of(const recording::EndpointRow& row) { return {row.method, row.route, row.version}; }

}  // namespace

InterferenceAnalysis::InterferenceAnalysis(const RecordingTables& tables, const InterferenceOptions& options)
    : tables_(tables),
      options_(options),
      selection_(selection_options(options), tables),
      endpoints_(tables.endpoints.size()) {
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    endpoints_[i].row = &tables.endpoints[i];
    endpoints_[i].chosen = selection_.has_endpoint(tables.endpoints[i]);
    index_[tables.endpoints[i].id] = static_cast<std::uint32_t>(i);
  }
}

void InterferenceAnalysis::add(const recording::RequestCurveRow& request) {
  ++served_[request.worker];
  const auto found = index_.find(request.endpoint);
  if (found == index_.end() || !selection_.has_worker(request.worker)) {
    return;
  }
  Endpoint& endpoint = endpoints_[found->second];
  SweptRequest swept;
  swept.started_us = request.started_us;
  swept.duration_us = request.duration_us;
  swept.peak_bytes = count_of(request.peak_bytes);
  swept.endpoint = found->second;
  swept.in_flight =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(count_of(request.in_flight_at_start), UINT32_MAX));
  take_curve(swept, request);
  swept.chosen = endpoint.chosen && selection_.has_time(request.started_us);
  endpoint.ran = true;
  endpoint.requests += swept.chosen ? 1 : 0;
  workers_[request.worker].push_back(swept);
}

void InterferenceAnalysis::add(const recording::SliceRow& slice) {
  const auto found = index_.find(slice.endpoint);
  if (found != index_.end() && endpoints_[found->second].chosen && selection_.overlaps(slice.from_us, slice.until_us)) {
    folded_requests_ += count_of(slice.requests);
  }
}

void InterferenceAnalysis::sweep_all(PairBlocks& blocks, HighestMoments& moments) {
  for (auto& [worker, rows] : workers_) {
    // Rows come in the order of their ends: equal starts keep it.
    std::stable_sort(rows.begin(), rows.end(), [](const SweptRequest& left, const SweptRequest& right) {
      return left.started_us < right.started_us;
    });
    InFlightSweep sweep(endpoints_.size());
    const auto visit = [&](const SweptRequest& request, std::span<const std::uint32_t> beside, double highest) {
      if (request.chosen) blocks.add(request, beside, highest);
    };
    sweep.run(rows, visit, [&, number = worker](const MomentView& moment) {
      if (selection_.has_time(moment.at_us)) moments.add(number, moment);
    });
    blocks.end_worker();
    rows = {};
  }
}

std::vector<EndpointPair> InterferenceAnalysis::describe_pairs(const PairBlocks& blocks,
                                                               const std::vector<SharedMoment>& highest,
                                                               double confidence_ratio) const {
  std::vector<ComparedPair> pairs;
  for (const auto& [pair, sums] : blocks.sums()) {
    const Endpoint& endpoint = endpoints_[pair >> 32U];
    ComparedPair compared = compare(sums, endpoint.requests, confidence_ratio);
    compared.pair.endpoint = id_of(*endpoint.row);
    compared.pair.beside = id_of(*endpoints_[pair & UINT32_MAX].row);
    compared.pair.highest_together = times_together(highest, compared.pair.endpoint, compared.pair.beside);
    pairs.push_back(std::move(compared));
  }
  return show_differences(std::move(pairs));
}

std::uint64_t InterferenceAnalysis::possible_pairs() const {
  std::uint64_t looked_at = 0;
  std::uint64_t ran = 0;
  for (const Endpoint& endpoint : endpoints_) {
    looked_at += endpoint.requests > 0 ? 1 : 0;
    ran += endpoint.ran ? 1 : 0;
  }
  return looked_at * ran;
}

InterferenceResult InterferenceAnalysis::finish() {
  InterferenceResult result;
  std::unordered_set<std::int64_t> served;
  for (const auto& [worker, requests] : served_) {
    served.insert(worker);
    result.recorded_requests += requests;
  }
  std::vector<std::uint64_t> requests;
  for (const Endpoint& endpoint : endpoints_) {
    result.requests += endpoint.requests;
    requests.push_back(endpoint.requests);
  }
  result.recording = describe_recording(tables_, serving_workers(tables_, std::move(served)).size());
  result.folded_requests = folded_requests_;
  result.moments = describe_peaks(tables_, EndpointNames(tables_.endpoints), selection_);
  PairBlocks blocks(requests);
  HighestMoments moments(std::max<std::int64_t>(0, tables_.end_us));
  sweep_all(blocks, moments);
  result.highest = moments.describe(tables_.endpoints, result.recording.started_unix_us);
  result.pairs = describe_pairs(blocks, result.highest, result.confidence_ratio);
  result.pairs_never_beside = possible_pairs() - result.pairs.size();
  result.unmatched = selection_.unmatched(tables_.endpoints);
  result.limit = options_.limit;
  return result;
}

}  // namespace heapledger::analysis
