#include "analysis/lifecycle_analysis.h"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <unordered_set>
#include <utility>

#include "analysis/recording_info.h"
#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

constexpr double kFirstAgeSeconds = 0.01;
constexpr double kAgeStep = 4;

RequestsOptions selection_options(const LifecycleOptions& options) {
  if (options.slowest && options.largest) {
    throw std::invalid_argument("either the slowest or the largest requests can be named, not both");
  }
  RequestsOptions chosen;
  chosen.routes = {options.route};
  chosen.methods = options.methods;
  chosen.workers = options.workers;
  chosen.since = options.since;
  chosen.until = options.until;
  chosen.warmup_us = options.warmup_us;
  return chosen;
}

const char* name_of(recording::RequestPhase phase) {
  switch (phase) {
    case recording::RequestPhase::kRead:
      return "read";
    case recording::RequestPhase::kDeserialize:
      return "deserialize";
    case recording::RequestPhase::kHandle:
      return "handle";
    case recording::RequestPhase::kSerialize:
      return "serialize";
    case recording::RequestPhase::kSend:
      break;
  }
  return "send";
}

double seconds_of(std::int64_t microseconds) { return static_cast<double>(microseconds) / 1e6; }

}  // namespace

LifecycleAnalysis::LifecycleAnalysis(const RecordingTables& tables, const LifecycleOptions& options)
    : tables_(tables), options_(options), selection_(selection_options(options), tables) {
  for (const auto& row : tables.endpoints) {
    if (selection_.has_endpoint(row)) {
      endpoints_[row.id].row = &row;
    }
  }
}

std::vector<std::int64_t> LifecycleAnalysis::endpoints() const {
  std::vector<std::int64_t> ids;
  for (const auto& [id, endpoint] : endpoints_) {
    ids.push_back(id);
  }
  return ids;
}

void LifecycleAnalysis::rank(Endpoint& endpoint, const recording::RequestCurveRow& request) const {
  const std::size_t wanted = options_.slowest.value_or(options_.largest.value_or(0));
  if (wanted == 0) {
    return;
  }
  const Rank rank{options_.slowest ? request.duration_us : request.peak_bytes, ~request.id};
  std::vector<Rank>& heap = endpoint.ranks;
  if (heap.size() == wanted) {
    if (rank < heap.front()) {
      return;
    }
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    heap.pop_back();
  }
  heap.push_back(rank);
  std::push_heap(heap.begin(), heap.end(), std::greater<>());
}

void LifecycleAnalysis::add(const recording::RequestCurveRow& request) {
  const auto found = endpoints_.find(request.endpoint);
  if (found == endpoints_.end() || !selection_.has_worker(request.worker) || !selection_.has_time(request.started_us)) {
    return;
  }
  Endpoint& endpoint = found->second;
  endpoint.duration_seconds.add(seconds_of(request.duration_us));
  endpoint.peak_bytes.add(count_of(request.peak_bytes));
  endpoint.escaped_bytes.add(count_of(request.escaped_bytes));
  endpoint.after_response_bytes.add(count_of(request.after_response_bytes));
  if (request.curve && request.peak_percent) {
    endpoint.curves.add(static_cast<std::uint64_t>(*request.curve), count_of(request.peak_bytes),
                        *request.peak_percent);
  }
  rank(endpoint, request);
}

void LifecycleAnalysis::add(const recording::SliceRow& slice) {
  if (endpoints_.contains(slice.endpoint) && selection_.overlaps(slice.from_us, slice.until_us)) {
    folded_requests_ += count_of(slice.requests);
  }
}

void LifecycleAnalysis::add(const recording::EndpointLifeRow& life) {
  const auto found = endpoints_.find(life.endpoint);
  if (found == endpoints_.end() || !selection_.has_worker(life.worker)) {
    return;
  }
  Endpoint& endpoint = found->second;
  endpoint.followed = true;
  endpoint.freed_by_age_bytes.resize(std::max(endpoint.freed_by_age_bytes.size(), life.freed_by_age_bytes.size()));
  for (std::size_t i = 0; i < life.freed_by_age_bytes.size(); ++i) {
    std::int64_t& freed = endpoint.freed_by_age_bytes[i];
    freed = add_limited(freed, std::max<std::int64_t>(0, life.freed_by_age_bytes[i]));
  }
}

void LifecycleAnalysis::add(const recording::PhaseRow& phase) {
  const auto found = endpoints_.find(phase.endpoint);
  if (found == endpoints_.end() || !selection_.has_worker(phase.worker) || !selection_.has_time(phase.started_us)) {
    return;
  }
  found->second.phase_seconds.add(seconds_of(phase.duration_us));
  found->second.phase_allocated_bytes.add(count_of(phase.allocated_bytes));
  found->second.phase_peak_bytes.add(count_of(phase.peak_bytes));
}

void LifecycleAnalysis::end_phase(recording::RequestPhase phase) {
  for (auto& [id, endpoint] : endpoints_) {
    if (endpoint.phase_seconds.count() != 0) {
      endpoint.phases.push_back({name_of(phase), endpoint.phase_seconds.count(), endpoint.phase_seconds.summarize(),
                                 endpoint.phase_allocated_bytes.summarize(), endpoint.phase_peak_bytes.summarize()});
    }
    endpoint.phase_seconds = {};
    endpoint.phase_allocated_bytes = {};
    endpoint.phase_peak_bytes = {};
  }
}

std::vector<std::int64_t> LifecycleAnalysis::named() const {
  std::vector<std::int64_t> ids;
  for (const auto& [id, endpoint] : endpoints_) {
    std::vector<Rank> ranks = endpoint.ranks;
    std::sort(ranks.begin(), ranks.end(), std::greater<>());
    for (const Rank& rank : ranks) {
      ids.push_back(~rank.second);
    }
  }
  return ids;
}

void LifecycleAnalysis::add_named(const recording::RequestRow& request) {
  const auto found = endpoints_.find(request.endpoint);
  if (found == endpoints_.end()) {
    return;
  }
  LifecycleRequest& named = found->second.named.emplace_back();
  named.worker = request.worker;
  named.sequence = request.sequence;
  named.started_unix_us = add_limited(tables_.meta.started_unix_ns / 1000, request.started_us);
  named.duration_seconds = seconds_of(request.duration_us);
  named.status = request.status;
  named.in_flight_at_start = count_of(request.in_flight_at_start);
  named.in_flight_peak = count_of(request.in_flight_peak);
  named.allocated_bytes = count_of(request.allocated_bytes);
  named.peak_bytes = count_of(request.peak_bytes);
  named.escaped_bytes = count_of(request.escaped_bytes);
  named.after_response_bytes = count_of(request.after_response_bytes);
  if (request.curve && request.peak_percent) {
    named.peak_at_ratio = static_cast<double>(std::clamp<std::int64_t>(*request.peak_percent, 0, 100)) / 100;
    named.live_bytes = live_bytes_of(static_cast<std::uint64_t>(*request.curve), named.peak_bytes);
  }
}

std::uint64_t LifecycleAnalysis::retained_bytes(std::int64_t endpoint) const {
  std::int64_t bytes = 0;
  for (const auto& total : tables_.owner_totals) {
    const bool ended =
        total.kind == recording::OwnerTotalKind::kRequest || total.kind == recording::OwnerTotalKind::kTenured;
    if (ended && total.endpoint == endpoint && selection_.has_worker(total.worker)) {
      bytes = add_limited(bytes, total.live_bytes);
    }
  }
  return count_of(bytes);
}

Survival LifecycleAnalysis::survival_of(const Endpoint& endpoint) const {
  Survival survival;
  std::int64_t freed = 0;
  for (const std::int64_t bytes : endpoint.freed_by_age_bytes) {
    freed = add_limited(freed, bytes);
  }
  survival.freed_bytes = count_of(freed);
  survival.retained_bytes = retained_bytes(endpoint.row->id);
  survival.escaped_bytes = survival.freed_bytes + survival.retained_bytes;
  std::uint64_t left = survival.escaped_bytes;
  double until_seconds = kFirstAgeSeconds;
  for (std::size_t i = 0; i < endpoint.freed_by_age_bytes.size(); ++i) {
    SurvivalAge& age = survival.ages.emplace_back();
    const bool last = i + 1 == endpoint.freed_by_age_bytes.size();
    age.until_seconds = last ? std::nullopt : std::optional(until_seconds);
    age.freed_bytes = std::min(left, count_of(endpoint.freed_by_age_bytes[i]));
    left -= age.freed_bytes;
    age.left_bytes = left;
    age.left_ratio =
        survival.escaped_bytes == 0 ? 0 : static_cast<double>(left) / static_cast<double>(survival.escaped_bytes);
    until_seconds *= kAgeStep;
  }
  return survival;
}

EndpointLifecycle LifecycleAnalysis::summarize(Endpoint& endpoint) const {
  EndpointLifecycle result;
  result.endpoint = {endpoint.row->method, endpoint.row->route, endpoint.row->version};
  result.deprecated = endpoint.row->deprecated;
  result.requests = endpoint.duration_seconds.count();
  result.requests_without_curve = result.requests - endpoint.curves.count();
  const double peaks = endpoint.peak_bytes.sum();
  result.released_at_end_ratio = peaks > 0 ? std::clamp(1 - endpoint.escaped_bytes.sum() / peaks, 0.0, 1.0) : 0;
  result.parts = endpoint.curves.summarize();
  result.peak_at_ratio = endpoint.curves.peak_at_ratio();
  endpoint.curves = {};
  result.duration_seconds = endpoint.duration_seconds.summarize();
  result.peak_bytes = endpoint.peak_bytes.summarize();
  result.escaped_bytes = endpoint.escaped_bytes.summarize();
  result.after_response_bytes = endpoint.after_response_bytes.summarize();
  if (endpoint.followed) {
    result.survival = survival_of(endpoint);
  }
  result.phases = endpoint.phases;
  result.named = endpoint.named;
  return result;
}

LifecycleResult LifecycleAnalysis::finish(const std::vector<recording::RequestSpanRow>& spans) {
  LifecycleResult result;
  std::unordered_set<std::int64_t> served;
  for (const auto& span : spans) {
    served.insert(span.worker);
    result.recorded_requests += count_of(span.requests);
  }
  result.recording = describe_recording(tables_, serving_workers(tables_, std::move(served)).size());
  result.route = options_.route;
  result.named_by = options_.slowest ? "slowest" : options_.largest ? "largest" : "";
  result.folded_requests = folded_requests_;
  for (auto& [id, endpoint] : endpoints_) {
    if (endpoint.duration_seconds.count() != 0) {
      result.endpoints.push_back(summarize(endpoint));
    }
  }
  std::stable_sort(result.endpoints.begin(), result.endpoints.end(),
                   [](const auto& left, const auto& right) { return left.requests > right.requests; });
  result.unmatched = selection_.unmatched(tables_.endpoints);
  return result;
}

}  // namespace heapledger::analysis
