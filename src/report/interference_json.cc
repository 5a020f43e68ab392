#include "report/interference_json.h"

#include <algorithm>
#include <cmath>

#include "report/csv.h"
#include "report/endpoint_json.h"
#include "report/interference_words.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::EndpointPair;
using analysis::InterferenceResult;

constexpr double kLargestWhole = 9e18;

Json whole_bytes(double bytes) { return std::llround(std::clamp(bytes, -kLargestWhole, kLargestWhole)); }

Json holder_list(const std::vector<analysis::HolderGroup>& groups) {
  Json holders = Json::array();
  for (const analysis::HolderGroup& group : groups) {
    const bool known = !group.route.empty();
    holders.push_back({{"method", known ? Json(group.method) : Json(nullptr)},
                       {"route", known ? Json(group.route) : Json(nullptr)},
                       {"version", group.version.empty() ? Json(nullptr) : Json(group.version)},
                       {"requests", group.requests},
                       {"live_bytes", group.live_bytes}});
  }
  return holders;
}

Json shared_object(const analysis::SharedMoment& moment) {
  return {{"at", format_iso_time(moment.at_unix_us)},
          {"worker", moment.worker},
          {"live_bytes", moment.live_bytes},
          {"endpoints", holder_list(moment.by_endpoint)}};
}

Json moment_object(const analysis::Peak& moment) {
  return {{"at", format_iso_time(moment.at_unix_us)},
          {"worker", moment.worker},
          {"live_bytes", moment.live_bytes},
          {"in_flight_requests", moment.in_flight_requests},
          {"endpoints", holder_list(moment.by_endpoint)},
          {"outside_bytes", value_or_null(moment.outside_bytes)}};
}

// With null in place of what is not known, so that every row has the same members.
Json differences(const EndpointPair& pair) {
  Json object = {{"duration_ratio", nullptr},
                 {"duration_ratio_interval", nullptr},
                 {"beside_duration_seconds", nullptr},
                 {"apart_duration_seconds", nullptr},
                 {"duration_differs", nullptr},
                 {"peak_difference_bytes", nullptr},
                 {"peak_difference_bytes_interval", nullptr},
                 {"beside_peak_bytes", nullptr},
                 {"apart_peak_bytes", nullptr},
                 {"peak_differs", nullptr}};
  if (pair.duration) {
    object["duration_ratio"] = pair.duration->ratio;
    object["duration_ratio_interval"] = Json::array({pair.duration->low, pair.duration->high});
    object["beside_duration_seconds"] = pair.duration->beside_seconds;
    object["apart_duration_seconds"] = pair.duration->apart_seconds;
    object["duration_differs"] = pair.duration->shown;
  }
  if (pair.peak) {
    object["peak_difference_bytes"] = whole_bytes(pair.peak->bytes);
    object["peak_difference_bytes_interval"] = Json::array({whole_bytes(pair.peak->low), whole_bytes(pair.peak->high)});
    object["beside_peak_bytes"] = pair.peak->beside_bytes;
    object["apart_peak_bytes"] = pair.peak->apart_bytes;
    object["peak_differs"] = pair.peak->shown;
  }
  return object;
}

Json pair_object(const EndpointPair& pair) {
  Json object = endpoint_object(pair.endpoint);
  object["beside"] = endpoint_object(pair.beside);
  object["requests"] = pair.requests;
  object["requests_beside"] = pair.requests_beside;
  object["highest_together"] = pair.highest_together;
  object["level_matched"] = pair.level_matched;
  object.update(differences(pair));
  const std::string reason = missing_comparison(pair);
  object["reason"] = reason.empty() ? Json(nullptr) : Json(reason);
  object["requests_needed"] = value_or_null(pair.requests_needed);
  return object;
}

// An interval becomes two columns.
Json flat_row(const EndpointPair& pair) {
  const Json object = pair_object(pair);
  Json flat;
  for (const auto& [name, value] : object.items()) {
    if (name.ends_with("_interval")) {
      const std::string stem = name.substr(0, name.rfind("_interval"));
      flat[stem + "_low"] = value.is_null() ? Json(nullptr) : value[0];
      flat[stem + "_high"] = value.is_null() ? Json(nullptr) : value[1];
    } else {
      flat[name] = value;
    }
  }
  return flat;
}

}  // namespace

std::size_t shown_pairs(const InterferenceResult& result, std::size_t otherwise) {
  const std::size_t limit = result.limit.value_or(otherwise);
  return limit == 0 ? result.pairs.size() : std::min(limit, result.pairs.size());
}

Json interference_document(const InterferenceResult& result) {
  Json document = open_document("requests", result.recording);
  document["recording_state"] = name_of(result.recording.state);
  document["confidence_ratio"] = result.confidence_ratio;
  Json moments = Json::array();
  for (const analysis::Peak& moment : result.moments) moments.push_back(moment_object(moment));
  Json highest = Json::array();
  for (const analysis::SharedMoment& moment : result.highest) highest.push_back(shared_object(moment));
  Json pairs = Json::array();
  const std::size_t shown = shown_pairs(result, 0);
  for (std::size_t i = 0; i < shown; ++i) pairs.push_back(pair_object(result.pairs[i]));
  document["interference"] = {{"requests", result.requests},
                              {"moments", moments},
                              {"highest", highest},
                              {"pairs", pairs},
                              {"pairs_left_out", result.pairs.size() - shown},
                              {"pairs_never_beside", result.pairs_never_beside},
                              {"folded_requests", result.folded_requests}};
  document["unmatched"] = unmatched_list(result.unmatched);
  return document;
}

std::string interference_csv(const InterferenceResult& result) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < shown_pairs(result, 0); ++i) rows.push_back(flat_row(result.pairs[i]));
  return write_csv(rows, flat_row({}));
}

}  // namespace heapledger::report
