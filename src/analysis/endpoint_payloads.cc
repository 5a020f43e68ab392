#include "analysis/endpoint_payloads.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>
#include <utility>

#include "analysis/body_kinds.h"
#include "analysis/payload_modes.h"
#include "analysis/peak_model.h"
#include "analysis/row_arithmetic.h"
#include "analysis/statistics/quantile.h"

namespace heapledger::analysis {
namespace {

constexpr std::uint64_t kTailRequests = 100;  // p99 from so many on
constexpr double kPieceBytes = 64.0 * 1024;   // what a stream holds at a time
constexpr double kMicrosecondsASecond = 1e6;
constexpr double kRatioPrecision = 1e4;

PayloadDirection direction_of(const EndpointBodies& bodies, const PeakModel& model, std::size_t side) {
  PayloadDirection direction;
  direction.size_bytes = bodies.sizes(side).summarize();
  for (std::size_t i = 0; i < bodies.requests(); ++i) {
    const bool body = bodies.sizes(side)[i] > 0;
    direction.with_body += body ? 1 : 0;
    direction.in_pieces += body && bodies.in_pieces(i, side) ? 1 : 0;
  }
  direction.model = model.of(side);
  const Treatment treatment = treatment_of(bodies, model, side, direction);
  direction.mode = treatment.mode;
  if (treatment.held_ratio) {
    direction.held_ratio = std::round(*treatment.held_ratio * kRatioPrecision) / kRatioPrecision;
  }
  return direction;
}

RealDistribution seconds_of(const IntegerDistribution& microseconds) {
  const auto seconds = [](std::uint64_t us) { return static_cast<double>(us) / kMicrosecondsASecond; };
  RealDistribution result{microseconds.mean / kMicrosecondsASecond,
                          seconds(microseconds.p50),
                          seconds(microseconds.p90),
                          seconds(microseconds.p95),
                          std::nullopt,
                          seconds(microseconds.max)};
  if (microseconds.p99) {
    result.p99 = seconds(*microseconds.p99);
  }
  return result;
}

PhaseCost phase_cost(const EndpointBodies::PhaseValues& values, long double all_peaks) {
  PhaseCost cost;
  cost.allocated_bytes = values.allocated_bytes.summarize();
  cost.peak_bytes = values.peak_bytes.summarize();
  cost.duration_seconds = seconds_of(values.duration_us.summarize());
  cost.peak_reached_ratio =
      static_cast<double>(values.peaks_reached) / static_cast<double>(values.allocated_bytes.size());
  cost.peak_share_ratio = all_peaks > 0 ? static_cast<double>(values.peak_share_bytes / all_peaks) : 0;
  return cost;
}

std::optional<RequestPhases> phases_of(const EndpointBodies& bodies) {
  const auto& phases = bodies.phases();
  const std::size_t seen = phases.front().allocated_bytes.size();
  if (seen == 0) {
    return std::nullopt;
  }
  const auto cost = [&](recording::RequestPhase phase) {
    return phase_cost(phases[static_cast<std::size_t>(phase)], bodies.phased_peak_bytes());
  };
  return RequestPhases{seen,
                       cost(recording::RequestPhase::kRead),
                       cost(recording::RequestPhase::kDeserialize),
                       cost(recording::RequestPhase::kHandle),
                       cost(recording::RequestPhase::kSerialize),
                       cost(recording::RequestPhase::kSend)};
}

PayloadRequirement requirement_of(const EndpointBodies& bodies, const PeakModel& model,
                                  const IntegerDistribution& peaks) {
  const auto bends = [&](std::size_t side) { return model.of(side).linear == std::optional(false); };
  if (!model.exists() || bends(kRequestSide) || bends(kResponseSide)) {  // a line that is none says less than the peaks
    return {RequirementBasis::kPeaks, peaks.p50, peaks.p95, peaks.p99, peaks.max};
  }
  std::vector<double> needs;
  needs.reserve(bodies.requests());
  for (std::size_t i = 0; i < bodies.requests(); ++i) {
    needs.push_back(model.predict(static_cast<double>(bodies.sizes(kRequestSide)[i]),
                                  static_cast<double>(bodies.sizes(kResponseSide)[i])));
  }
  std::uint64_t settled = 0;
  const auto at = [&](std::uint64_t percent) {
    const std::uint64_t rank = statistics::nearest_rank(needs.size(), percent);
    const double value = statistics::select_rank(std::span<double>(needs), rank, settled);
    settled = std::max(settled, rank);
    return rounded_count(value);
  };
  PayloadRequirement requirement{RequirementBasis::kModel, at(50), at(95), std::nullopt, 0};
  if (needs.size() >= kTailRequests) {
    requirement.p99_bytes = at(99);
  }
  requirement.largest_bytes = at(100);
  return requirement;
}

// What is smaller than a piece cannot be streamed.
bool is_held(const PayloadDirection& direction) {
  return (direction.mode == PayloadMode::kBuffered || direction.mode == PayloadMode::kMixed) &&
         static_cast<double>(direction.size_bytes.max) >= kPieceBytes;
}

// Of one direction at its 99th percentile: what holding costs less a piece, or what not holding spares.
std::optional<double> saved_by(const PayloadDirection& direction, bool held) {
  if (!direction.held_ratio || !direction.size_bytes.p99) {
    return std::nullopt;
  }
  const double size = static_cast<double>(*direction.size_bytes.p99);
  const double ratio = std::max(0.0, *direction.held_ratio);
  return std::max(0.0, held ? ratio * size - kPieceBytes : (1 - ratio) * size);
}

StreamingCost streaming_of(const EndpointPayloads& endpoint) {
  StreamingCost cost;
  const bool held = is_held(endpoint.request) || is_held(endpoint.response);
  cost.saved_already = !held;
  if (endpoint.requests < kTailRequests) {
    cost.requests_needed = kTailRequests;
    return cost;
  }
  for (const PayloadDirection* direction : {&endpoint.request, &endpoint.response}) {
    const bool counts = held ? is_held(*direction) : direction->mode == PayloadMode::kStreamed;
    const std::optional<double> saved = counts ? saved_by(*direction, held) : std::nullopt;
    if (saved) {
      cost.saves_bytes = cost.saves_bytes.value_or(0) + rounded_count(*saved);
    }
  }
  // Where request and response move together, each ratio holds what the other holds too: no more than all is saved.
  if (held && cost.saves_bytes && endpoint.peak_bytes.p99) {
    cost.saves_bytes = std::min(*cost.saves_bytes, *endpoint.peak_bytes.p99);
  }
  return cost;
}

// The setting that lets in most; one without a limit lets in everything.
BodyLimit body_limit_of(const std::vector<const recording::BodyLimitRow*>& limits) {
  BodyLimit result;
  for (const recording::BodyLimitRow* row : limits) {
    const auto limit = row->limit_bytes ? std::optional(count_of(*row->limit_bytes)) : std::nullopt;
    if (!result.known) {
      result = {true, limit, row->setting, false};
      continue;
    }
    result.differs = result.differs || limit != result.limit_bytes;
    if (result.limit_bytes && (!limit || *limit > *result.limit_bytes)) {
      result.limit_bytes = limit;
      result.setting = row->setting;
    }
  }
  return result;
}

std::optional<LargeBody> large_body_of(const EndpointPayloads& endpoint, const PeakModel& model) {
  const auto& limit = endpoint.body_limit.limit_bytes;
  if (!model.exists() || endpoint.request.with_body == 0 || (limit && *limit < kLargeBodyBytes)) {
    return std::nullopt;
  }
  const auto peak = model.estimate(kRequestSide, static_cast<double>(kLargeBodyBytes),
                                   static_cast<double>(endpoint.response.size_bytes.p50));
  if (!peak) {
    return std::nullopt;
  }
  return LargeBody{peak->bytes, peak->low_bytes, peak->high_bytes,
                   static_cast<double>(kLargeBodyBytes) / static_cast<double>(endpoint.request.size_bytes.max)};
}

}  // namespace

EndpointPayloads summarize_payloads(const recording::EndpointRow& row, const EndpointBodies& bodies,
                                    const PayloadNames& names,
                                    const std::vector<const recording::BodyLimitRow*>& limits) {
  EndpointPayloads endpoint;
  endpoint.method = row.method;
  endpoint.route = row.route;
  endpoint.version = row.version;
  endpoint.deprecated = row.deprecated;
  endpoint.requests = bodies.requests();
  for (std::size_t i = 0; i < bodies.requests(); ++i) {
    endpoint.failed_requests += bodies.is_sound(i) ? 0 : 1;
  }
  const PeakModel model(bodies);
  endpoint.peak_bytes = bodies.peaks().summarize();
  endpoint.request = direction_of(bodies, model, kRequestSide);
  endpoint.response = direction_of(bodies, model, kResponseSide);
  endpoint.phases = phases_of(bodies);
  endpoint.content_types = rank_kinds(bodies, model, names);
  endpoint.streaming = streaming_of(endpoint);
  endpoint.requirement = requirement_of(bodies, model, endpoint.peak_bytes);
  endpoint.body_limit = body_limit_of(limits);
  endpoint.large_body = large_body_of(endpoint, model);
  return endpoint;
}

}  // namespace heapledger::analysis
