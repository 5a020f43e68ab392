#include "report/payloads_json.h"

#include <algorithm>
#include <cmath>

#include "analysis/row_arithmetic.h"
#include "report/leaks_json.h"
#include "report/payloads_words.h"

namespace heapledger::report {
namespace {

using namespace analysis;

Json whole_or_null(const std::optional<double>& bytes) {
  return bytes ? Json(static_cast<std::int64_t>(std::llround(*bytes))) : Json(nullptr);
}

Json interval_or_null(const std::optional<RatioInterval>& interval) {
  return interval ? Json::array({interval->low, interval->high}) : Json(nullptr);
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json direction_row(const PayloadDirection& direction, BodyDirection name) {
  const PayloadModel& model = direction.model;
  return {{"size_bytes", size_distribution(direction.size_bytes)},
          {"model",
           {{"base_bytes", whole_or_null(model.base_bytes)},
            {"amplification_ratio", value_or_null(model.amplification_ratio)},
            {"amplification_ratio_interval", interval_or_null(model.amplification_ratio_interval)},
            {"linear", value_or_null(model.linear)},
            {"with_other_direction", model.with_other_direction},
            {"fitted_requests", model.fitted_requests},
            {"reason", text_or_null(model_reason(direction, name))}}},
          {"mode", name_of(direction.mode)},
          {"held_ratio", value_or_null(direction.held_ratio)},
          {"with_body", direction.with_body},
          {"in_pieces", direction.in_pieces}};
}

Json phase_row(const PhaseCost& phase) {
  return {{"allocated_bytes", size_distribution(phase.allocated_bytes)},
          {"peak_bytes", size_distribution(phase.peak_bytes)},
          {"duration_seconds", real_distribution(phase.duration_seconds)},
          {"peak_reached_ratio", phase.peak_reached_ratio},
          {"peak_share_ratio", phase.peak_share_ratio}};
}

Json phases_row(const std::optional<RequestPhases>& phases) {
  if (!phases) {
    return Json::object();
  }
  return {{"read", phase_row(phases->read)},
          {"deserialize", phase_row(phases->deserialize)},
          {"handle", phase_row(phases->handle)},
          {"serialize", phase_row(phases->serialize)},
          {"send", phase_row(phases->send)}};
}

Json large_body_row(const std::optional<LargeBody>& body) {
  if (!body) {
    return nullptr;
  }
  return {{"body_bytes", kLargeBodyBytes},
          {"peak_bytes", rounded_count(body->peak_bytes)},
          {"peak_bytes_interval", Json::array({rounded_count(body->low_bytes), rounded_count(body->high_bytes)})},
          {"times_largest_ratio", body->times_largest}};
}

Json requirement_row(const EndpointPayloads& endpoint) {
  const PayloadRequirement& need = endpoint.requirement;
  return {{"basis", name_of(need.basis)},
          {"p50_bytes", need.p50_bytes},
          {"p95_bytes", need.p95_bytes},
          {"p99_bytes", value_or_null(need.p99_bytes)},
          {"largest_bytes", need.largest_bytes},
          {"body_limit_bytes", value_or_null(endpoint.body_limit.limit_bytes)},
          {"body_limit_setting", text_or_null(endpoint.body_limit.setting)},
          {"body_limit_known", endpoint.body_limit.known},
          {"large_body", large_body_row(endpoint.large_body)}};
}

Json phase_share(const EndpointPayloads& endpoint, PhaseCost RequestPhases::*phase) {
  return endpoint.phases ? Json((*endpoint.phases.*phase).peak_share_ratio) : Json(nullptr);
}

}  // namespace

Json payload_type_row(const ContentTypeCost& type) {
  return {{"content_type", text_or_null(type.content_type)},
          {"content_encoding", text_or_null(type.content_encoding)},
          {"direction", name_of(type.direction)},
          {"requests", type.requests},
          {"bytes", type.bytes},
          {"amplification_ratio", value_or_null(type.amplification_ratio)},
          {"amplification_ratio_interval", interval_or_null(type.amplification_ratio_interval)},
          {"reason", text_or_null(type_reason(type))}};
}

Json payload_endpoint_row(const EndpointPayloads& endpoint) {
  Json types = Json::array();
  for (const ContentTypeCost& type : endpoint.content_types) {
    types.push_back(payload_type_row(type));
  }
  return {{"method", endpoint.method},
          {"route", endpoint.route},
          {"version", version_or_null(endpoint.version)},
          {"deprecated", endpoint.deprecated},
          {"requests", endpoint.requests},
          {"failed_requests", endpoint.failed_requests},
          {"peak_bytes", size_distribution(endpoint.peak_bytes)},
          {"request", direction_row(endpoint.request, BodyDirection::kRequest)},
          {"response", direction_row(endpoint.response, BodyDirection::kResponse)},
          {"phases", phases_row(endpoint.phases)},
          {"phases_reason", endpoint.phases ? Json(nullptr) : Json("the recording holds no phases of its requests")},
          {"deserialize_share_ratio", phase_share(endpoint, &RequestPhases::deserialize)},
          {"serialize_share_ratio", phase_share(endpoint, &RequestPhases::serialize)},
          {"content_types", types},
          {"streaming",
           {{"request", name_of(endpoint.request.mode)},
            {"response", name_of(endpoint.response.mode)},
            {"saves_bytes", value_or_null(endpoint.streaming.saves_bytes)},
            {"verdict", streaming_verdict(endpoint)}}},
          {"requirement", requirement_row(endpoint)}};
}

std::size_t shown_endpoints(const PayloadsResult& result, std::size_t otherwise) {
  const std::size_t limit = result.limit.value_or(otherwise);
  return limit == 0 ? result.endpoints.size() : std::min(limit, result.endpoints.size());
}

Json payloads_document(const PayloadsResult& result) {
  Json document = open_document("payloads", result.recording);
  document["recording_state"] = name_of(result.recording.state);
  document["confidence_ratio"] = result.confidence_ratio;
  document["requests"] = result.requests;
  document["folded_requests"] = result.folded_requests;
  const std::size_t shown = shown_endpoints(result, 0);
  document["endpoints"] = Json::array();
  for (std::size_t i = 0; i < shown; ++i) {
    document["endpoints"].push_back(payload_endpoint_row(result.endpoints[i]));
  }
  document["endpoints_left_out"] = result.endpoints.size() - shown;
  document["unmatched"] = Json::array();
  for (const UnmatchedOption& option : result.unmatched) {
    document["unmatched"].push_back({{"option", option.option},
                                     {"value", option.value},
                                     {"nearest", option.nearest.empty() ? Json(nullptr) : Json(option.nearest)}});
  }
  return document;
}

}  // namespace heapledger::report
