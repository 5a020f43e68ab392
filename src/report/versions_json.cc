#include "report/versions_json.h"

#include <algorithm>

#include "analysis/row_arithmetic.h"
#include "report/csv.h"
#include "report/leaks_json.h"
#include "report/units.h"
#include "report/versions_words.h"

namespace heapledger::report {
namespace {

using analysis::VersionMetric;
using analysis::VersionPair;
using analysis::VersionsResult;

Json figure(const std::optional<double>& value, bool in_bytes) {
  if (!value) {
    return nullptr;
  }
  return in_bytes ? Json(analysis::rounded_count(*value)) : Json(*value);
}

Json interval(const std::optional<analysis::VersionInterval>& value, bool in_bytes) {
  return value ? Json::array({figure(value->low, in_bytes), figure(value->high, in_bytes)}) : Json(nullptr);
}

Json metric_row(const VersionMetric& metric) {
  return {{"from", figure(metric.from, metric.in_bytes)},
          {"to", figure(metric.to, metric.in_bytes)},
          {"ratio", value_or_null(metric.ratio)},
          {"interval", interval(metric.interval, false)},
          {"p_value", value_or_null(metric.p_value)},
          {"q_value", value_or_null(metric.q_value)},
          {"verdict", name_of(metric.verdict)},
          {"reason", metric_reason(metric)},
          {"requests_needed", value_or_null(metric.requests_needed)},
          {"from_interval", interval(metric.from_interval, metric.in_bytes)},
          {"to_interval", interval(metric.to_interval, metric.in_bytes)},
          {"from_p99", figure(metric.from_p99, metric.in_bytes)},
          {"to_p99", figure(metric.to_p99, metric.in_bytes)},
          {"plain_ratio", value_or_null(metric.plain_ratio)}};
}

Json estimate_row(const analysis::EstimatedBytes& bytes) {
  return {{"allocated_bytes", bytes.bytes}, {"allocated_bytes_interval", Json::array({bytes.low, bytes.high})}};
}

Json payload_row(const analysis::PayloadMatch& match) {
  return {{"by", match.by.empty() ? Json(nullptr) : Json(match.by)},
          {"strata", match.strata},
          {"requests", Json::array({match.from_requests, match.to_requests})},
          {"peak_bytes_per_payload_byte",
           match.peak_bytes_per_payload_byte ? metric_row(*match.peak_bytes_per_payload_byte) : Json(nullptr)}};
}

Json site_row(const analysis::VersionSite& site) {
  return {{"stack", stack_list(site.stack)},
          {"truncated", site.stack.truncated},
          {"from", estimate_row(site.from_bytes)},
          {"to", estimate_row(site.to_bytes)}};
}

Json risk_row(const std::optional<analysis::MigrationRisk>& risk) {
  if (!risk) {
    return nullptr;
  }
  return {{"exceedances_per_day", {{"now", risk->now_per_day}, {"migrated", risk->migrated_per_day}}},
          {"exceedances_per_day_interval",
           {{"now", interval(risk->now_interval, false)}, {"migrated", interval(risk->migrated_interval, false)}}}};
}

Json pair_row(const VersionsResult& result, const VersionPair& pair) {
  Json metrics = Json::object();
  for (const VersionMetric& metric : pair.metrics) {
    metrics[metric.name] = metric_row(metric);
  }
  Json sites = Json::array();
  for (const analysis::VersionSite& site : pair.sites) {
    sites.push_back(site_row(site));
  }
  return {{"method", pair.method},
          {"route", pair.route},
          {"from", version_or_null(pair.from)},
          {"to", version_or_null(pair.to)},
          {"from_route", pair.from_route},
          {"to_route", pair.to_route},
          {"requests", Json::array({pair.from_requests, pair.to_requests})},
          {"errors", Json::array({pair.from_errors, pair.to_errors})},
          {"left_out", Json::array({pair.from_left_out, pair.to_left_out})},
          {"blocks", Json::array({pair.from_blocks, pair.to_blocks})},
          {"metrics", metrics},
          {"payload_matched", payload_row(pair.payload_matched)},
          {"verdict", name_of(pair.verdict)},
          {"reason", pair_reason(pair)},
          {"requests_needed", value_or_null(pair.requests_needed)},
          {"risk", risk_row(pair.risk)},
          {"risk_reason", version_or_null(risk_reason(result, pair.risk))},
          {"sites", sites}};
}

Json endpoint_row(const analysis::EndpointId& id) {
  return {{"method", id.method}, {"route", id.route}, {"version", version_or_null(id.version)}};
}

Json endpoint_list(const std::vector<analysis::VersionEndpoint>& endpoints) {
  Json list = Json::array();
  for (const analysis::VersionEndpoint& endpoint : endpoints) {
    Json row = endpoint_row(endpoint.id);
    row["requests"] = endpoint.requests;
    list.push_back(row);
  }
  return list;
}

Json deprecated_list(const VersionsResult& result) {
  Json list = Json::array();
  for (const analysis::DeprecatedEndpoint& endpoint : result.deprecated) {
    Json row = endpoint_row(endpoint.id);
    row["requests"] = endpoint.requests;
    row["requests_ratio"] = endpoint.requests_ratio;
    row["route_requests_ratio"] = endpoint.route_requests_ratio;
    row["byte_seconds_ratio"] = endpoint.byte_seconds_ratio;
    row["requests_per_second"] = endpoint.requests_per_second;
    row["last_request_at"] =
        endpoint.last_request_unix_us ? Json(format_iso_time(*endpoint.last_request_unix_us)) : Json(nullptr);
    row["mean_live_bytes"] = analysis::rounded_count(endpoint.mean_live_bytes);
    row["retained_bytes"] = value_or_null(endpoint.retained_bytes);
    row["replaced_by"] = version_or_null(endpoint.replaced_by);
    row["deprecation"] = version_or_null(endpoint.deprecation);
    row["sunset"] = version_or_null(endpoint.sunset);
    list.push_back(row);
  }
  return list;
}

Json compatibility_list(const VersionsResult& result) {
  Json list = Json::array();
  for (const analysis::CompatibilityCost& cost : result.compatibility) {
    Json row = {{"name", cost.name}};
    row.update(endpoint_row(cost.endpoint.value_or(analysis::EndpointId{})));
    if (!cost.endpoint) {
      row["method"] = row["route"] = nullptr;
    }
    row["calls"] = cost.calls;
    row["allocated_bytes"] = cost.allocated_bytes;
    row["peak_bytes"] = cost.peak_bytes;
    row["duration_seconds"] = cost.duration_seconds;
    row["allocated_ratio"] = value_or_null(cost.allocated_ratio);
    list.push_back(row);
  }
  return list;
}

Json migration_row(const VersionsResult& result) {
  Json steps = Json::array();
  for (const analysis::MigrationStep& step : result.steps) {
    const auto& change = step.mean_live_bytes_change;
    steps.push_back({{"action", name_of(step.action)},
                     {"method", step.method},
                     {"route", step.route},
                     {"from", version_or_null(step.from)},
                     {"to", version_or_null(step.to)},
                     {"requests_per_second", step.requests_per_second},
                     {"mean_live_bytes_change", change ? Json(signed_count(*change)) : Json(nullptr)}});
  }
  Json capacity = Json::array();
  for (const analysis::MigrationCapacity& point : result.capacity) {
    capacity.push_back({{"migrated_ratio", point.migrated_ratio},
                        {"mean_live_bytes", analysis::rounded_count(point.mean_live_bytes)},
                        {"mean_live_bytes_interval", interval(point.interval, true)}});
  }
  return {{"steps", steps}, {"capacity", capacity}};
}

// Flat: of the figures the ones that decide.
Json flat_row(const VersionPair& pair) {
  Json row = {{"method", pair.method},
              {"route", pair.route},
              {"from", version_or_null(pair.from)},
              {"to", version_or_null(pair.to)},
              {"from_requests", pair.from_requests},
              {"to_requests", pair.to_requests},
              {"verdict", name_of(pair.verdict)},
              {"reason", pair_reason(pair)},
              {"requests_needed", value_or_null(pair.requests_needed)},
              {"matched_by", version_or_null(pair.payload_matched.by)}};
  for (const char* name : {"peak_bytes", "allocated_bytes", "retained_bytes", "byte_seconds", "escaped_bytes"}) {
    const auto found = std::find_if(pair.metrics.begin(), pair.metrics.end(),
                                    [name](const VersionMetric& metric) { return metric.name == name; });
    const VersionMetric metric = found == pair.metrics.end() ? VersionMetric{} : *found;
    const auto& bounds = metric.interval;
    row[name] = {{"from", figure(metric.from, metric.in_bytes)},
                 {"to", figure(metric.to, metric.in_bytes)},
                 {"ratio", value_or_null(metric.ratio)},
                 {"ratio_low", bounds ? Json(bounds->low) : Json(nullptr)},
                 {"ratio_high", bounds ? Json(bounds->high) : Json(nullptr)},
                 {"q_value", value_or_null(metric.q_value)},
                 {"verdict", name_of(metric.verdict)}};
  }
  return row;
}

}  // namespace

std::size_t shown_pairs(const VersionsResult& result, std::size_t otherwise) {
  const std::size_t limit = result.limit.value_or(otherwise);
  return limit == 0 ? result.pairs.size() : std::min(limit, result.pairs.size());
}

Json versions_document(const VersionsResult& result) {
  Json document = open_document("versions", result.recording);
  document["other"] = result.other ? open_document("", *result.other)["recording"] : Json(nullptr);
  document["recording_state"] = name_of(result.recording.state);
  document["confidence_ratio"] = result.confidence_ratio;
  document["margin_ratio"] = result.margin_ratio;
  document["finding_ratio"] = result.finding_ratio;
  document["requests"] = result.requests;
  document["requests_folded"] = result.requests_folded;
  document["versions"] = result.versions;
  document["pairs"] = Json::array();
  const std::size_t shown = shown_pairs(result, 0);
  for (std::size_t i = 0; i < shown; ++i) {
    document["pairs"].push_back(pair_row(result, result.pairs[i]));
  }
  document["pairs_left_out"] = result.pairs.size() - shown;
  const bool whole = result.other.has_value() && !result.pairs.empty();
  document["risk"] = risk_row(result.risk);
  document["risk_reason"] = whole ? version_or_null(risk_reason(result, result.risk)) : Json(nullptr);
  document["added"] = endpoint_list(result.added);
  document["removed"] = endpoint_list(result.removed);
  document["deprecated"] = deprecated_list(result);
  document["compatibility"] = compatibility_list(result);
  document["compatibility_calls_dropped"] = result.compatibility_calls_dropped;
  document["versions_altered"] = result.versions_altered;
  document["migration"] = migration_row(result);
  document["unmatched"] = Json::array();
  for (const analysis::UnmatchedOption& option : result.unmatched) {
    document["unmatched"].push_back(
        {{"option", option.option}, {"value", option.value}, {"nearest", version_or_null(option.nearest)}});
  }
  return document;
}

std::string versions_csv(const VersionsResult& result) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < shown_pairs(result, 0); ++i) {
    rows.push_back(flat_row(result.pairs[i]));
  }
  return write_csv(rows, flat_row({}));
}

}  // namespace heapledger::report
