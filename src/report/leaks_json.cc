#include "report/leaks_json.h"

#include <algorithm>

#include "analysis/row_arithmetic.h"
#include "report/leaks_words.h"

namespace heapledger::report {
namespace {

using analysis::LeakFinding;
using analysis::LeaksResult;

Json bytes_or_null(const std::optional<double>& bytes) {
  return bytes ? Json(analysis::rounded_count(*bytes)) : Json(nullptr);
}

Json site_row(const analysis::LeakSite& site) {
  return {{"stack", stack_list(site.stack)},
          {"truncated", site.stack.truncated},
          {"retained_bytes", site.retained_bytes.bytes},
          {"retained_bytes_interval", Json::array({site.retained_bytes.low, site.retained_bytes.high})},
          {"retained_blocks", site.retained_blocks},
          {"samples", site.samples},
          {"share_ratio", site.share_ratio}};
}

Json interval_or_null(const std::optional<analysis::ByteRate>& rate) {
  return rate ? Json::array({analysis::rounded_count(rate->low), analysis::rounded_count(rate->high)}) : Json(nullptr);
}

Json finding_row(const LeakFinding& finding) {
  Json sites = Json::array();
  for (const analysis::LeakSite& site : finding.sites) {
    sites.push_back(site_row(site));
  }
  Json shared = Json::array();
  for (const analysis::EndpointId& other : finding.shared_with) {
    shared.push_back({{"method", other.method}, {"route", other.route}, {"version", version_or_null(other.version)}});
  }
  return {{"method", finding.method},
          {"route", finding.route},
          {"version", version_or_null(finding.version)},
          {"deprecated", finding.deprecated},
          {"verdict", name_of(finding.verdict)},
          {"bytes_per_request", bytes_or_null(finding.bytes_per_request)},
          {"bytes_per_request_interval", interval_or_null(finding.bytes_per_request_interval)},
          {"retained_bytes", value_or_null(finding.retained_bytes)},
          {"requests", finding.requests},
          {"requests_to_limit", value_or_null(finding.requests_to_limit)},
          {"seconds_to_limit", value_or_null(finding.seconds_to_limit)},
          {"smallest_leak_bytes", value_or_null(finding.smallest_leak_bytes)},
          {"reason", leak_reason(finding)},
          {"sites", sites},
          {"holders", Json::array()},
          {"shared_with", shared}};
}

}  // namespace

Json stack_list(const analysis::CodeStack& stack) {
  Json places = Json::array();
  for (const analysis::CodePlace& place : stack.places) {
    places.push_back({{"function", place.function}, {"file", place.file}, {"line", place.line}});
  }
  return places;
}

Json version_or_null(const std::string& version) { return version.empty() ? Json(nullptr) : Json(version); }

std::size_t shown_findings(const LeaksResult& result, std::size_t otherwise) {
  const std::size_t limit = result.limit.value_or(otherwise);
  return limit == 0 ? result.findings.size() : std::min(limit, result.findings.size());
}

Json leaks_document(const LeaksResult& result) {
  Json document = open_document("leaks", result.recording);
  document["recording_state"] = name_of(result.recording.state);
  document["confidence_ratio"] = result.confidence_ratio;
  document["memory_limit_bytes"] = value_or_null(result.memory_limit_bytes);
  document["rss_bytes"] = value_or_null(result.rss_bytes);
  document["seconds_to_limit"] = value_or_null(result.seconds_to_limit);
  document["lost_samples"] = result.lost_samples;
  document["lost_survivor_bytes"] = result.lost_survivor_bytes;
  document["smallest_leak_bytes"] = value_or_null(result.smallest_leak_bytes);
  const std::size_t shown = shown_findings(result, 0);
  document["findings"] = Json::array();
  for (std::size_t i = 0; i < shown; ++i) {
    document["findings"].push_back(finding_row(result.findings[i]));
  }
  document["findings_left_out"] = result.findings.size() - shown;
  document["unmatched"] = Json::array();
  for (const analysis::UnmatchedOption& option : result.unmatched) {
    document["unmatched"].push_back({{"option", option.option},
                                     {"value", option.value},
                                     {"nearest", option.nearest.empty() ? Json(nullptr) : Json(option.nearest)}});
  }
  return document;
}

}  // namespace heapledger::report
