#include "report/lifecycle_json.h"

#include "report/csv.h"
#include "report/endpoint_json.h"
#include "report/lifecycle_words.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::EndpointLifecycle;
using analysis::LifecyclePart;
using analysis::LifecycleResult;

Json part_object(const LifecyclePart& part) {
  return {{"from_ratio", part.from_ratio},        {"until_ratio", part.until_ratio}, {"mean_bytes", part.mean_bytes},
          {"p50_bytes", part.p50_bytes},          {"p90_bytes", part.p90_bytes},     {"peak_ratio", part.peak_ratio},
          {"released_ratio", part.released_ratio}};
}

Json phase_object(const analysis::LifecyclePhase& phase) {
  return {{"phase", phase.name},
          {"requests", phase.requests},
          {"duration_seconds", real_distribution(phase.duration_seconds)},
          {"allocated_bytes", size_distribution(phase.allocated_bytes)},
          {"peak_bytes", size_distribution(phase.peak_bytes)}};
}

Json survival_object(const std::optional<analysis::Survival>& survival) {
  if (!survival) {
    return nullptr;
  }
  Json ages = Json::array();
  for (const analysis::SurvivalAge& age : survival->ages) {
    ages.push_back({{"until_seconds", value_or_null(age.until_seconds)},
                    {"freed_bytes", age.freed_bytes},
                    {"left_bytes", age.left_bytes},
                    {"left_ratio", age.left_ratio}});
  }
  return {{"escaped_bytes", survival->escaped_bytes},
          {"freed_bytes", survival->freed_bytes},
          {"retained_bytes", survival->retained_bytes},
          {"ages", ages}};
}

Json named_object(const analysis::LifecycleRequest& request) {
  return {{"worker", request.worker},
          {"sequence", request.sequence},
          {"started_at", format_iso_time(request.started_unix_us)},
          {"duration_seconds", request.duration_seconds},
          {"status", request.status},
          {"in_flight_at_start", request.in_flight_at_start},
          {"in_flight_peak", request.in_flight_peak},
          {"allocated_bytes", request.allocated_bytes},
          {"peak_bytes", request.peak_bytes},
          {"peak_at_ratio", value_or_null(request.peak_at_ratio)},
          {"escaped_bytes", request.escaped_bytes},
          {"after_response_bytes", request.after_response_bytes},
          {"live_bytes", request.live_bytes.empty() ? Json(nullptr) : Json(request.live_bytes)}};
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json endpoint_lifecycle(const EndpointLifecycle& endpoint) {
  Json object = endpoint_object(endpoint.endpoint);
  object["deprecated"] = endpoint.deprecated;
  object["requests"] = endpoint.requests;
  object["requests_without_curve"] = endpoint.requests_without_curve;
  object["duration_seconds"] = real_distribution(endpoint.duration_seconds);
  object["peak_bytes"] = size_distribution(endpoint.peak_bytes);
  object["peak_at_ratio"] = endpoint.peak_at_ratio ? real_distribution(*endpoint.peak_at_ratio) : Json(nullptr);
  object["series"] = Json::array();
  for (const LifecyclePart& part : endpoint.parts) {
    object["series"].push_back(part_object(part));
  }
  object["series_reason"] = text_or_null(missing_series(endpoint));
  object["phases"] = Json::array();
  for (const analysis::LifecyclePhase& phase : endpoint.phases) {
    object["phases"].push_back(phase_object(phase));
  }
  object["phases_reason"] = text_or_null(missing_phases(endpoint));
  object["released_at_end_ratio"] = endpoint.released_at_end_ratio;
  object["escaped_bytes"] = size_distribution(endpoint.escaped_bytes);
  object["after_response_bytes"] = size_distribution(endpoint.after_response_bytes);
  object["survival"] = survival_object(endpoint.survival);
  object["survival_reason"] = text_or_null(missing_survival(endpoint));
  object["named"] = Json::array();
  for (const analysis::LifecycleRequest& request : endpoint.named) {
    object["named"].push_back(named_object(request));
  }
  return object;
}

Json flat_row(const EndpointLifecycle& endpoint, const LifecyclePart& part) {
  Json row = endpoint_object(endpoint.endpoint);
  row["requests"] = endpoint.requests;
  row.update(part_object(part));
  return row;
}

}  // namespace

Json lifecycle_document(const LifecycleResult& result) {
  Json document = open_document("requests", result.recording);
  document["recording_state"] = name_of(result.recording.state);
  Json endpoints = Json::array();
  for (const EndpointLifecycle& endpoint : result.endpoints) {
    endpoints.push_back(endpoint_lifecycle(endpoint));
  }
  document["lifecycle"] = {{"route", result.route},
                           {"level_error_ratio", analysis::kCurveErrorRatio},
                           {"named_by", text_or_null(result.named_by)},
                           {"endpoints", endpoints},
                           {"folded_requests", result.folded_requests}};
  document["unmatched"] = unmatched_list(result.unmatched);
  return document;
}

std::string lifecycle_csv(const LifecycleResult& result) {
  Json rows = Json::array();
  for (const EndpointLifecycle& endpoint : result.endpoints) {
    for (const LifecyclePart& part : endpoint.parts) {
      rows.push_back(flat_row(endpoint, part));
    }
  }
  return write_csv(rows, flat_row({}, {}));
}

}  // namespace heapledger::report
