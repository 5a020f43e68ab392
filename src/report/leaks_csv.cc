#include "analysis/row_arithmetic.h"
#include "report/csv.h"
#include "report/leaks_json.h"
#include "report/leaks_words.h"

namespace heapledger::report {
namespace {

using analysis::LeakFinding;

// Flat: of the sites the first one, at its place in the application.
Json flat_row(const LeakFinding& finding) {
  const auto bytes = [](const std::optional<double>& rate) {
    return rate ? Json(analysis::rounded_count(*rate)) : Json(nullptr);
  };
  const auto& interval = finding.bytes_per_request_interval;
  Json row = {{"method", finding.method},
              {"route", finding.route},
              {"version", version_or_null(finding.version)},
              {"deprecated", finding.deprecated},
              {"verdict", name_of(finding.verdict)},
              {"bytes_per_request", bytes(finding.bytes_per_request)},
              {"bytes_per_request_low", bytes(interval ? std::optional(interval->low) : std::nullopt)},
              {"bytes_per_request_high", bytes(interval ? std::optional(interval->high) : std::nullopt)},
              {"retained_bytes", value_or_null(finding.retained_bytes)},
              {"requests", finding.requests},
              {"requests_to_limit", value_or_null(finding.requests_to_limit)},
              {"seconds_to_limit", value_or_null(finding.seconds_to_limit)},
              {"smallest_leak_bytes", value_or_null(finding.smallest_leak_bytes)},
              {"reason", leak_reason(finding)},
              {"sites", finding.sites.size()},
              {"first_site_file", nullptr},
              {"first_site_line", nullptr},
              {"first_site_function", nullptr},
              {"first_site_retained_bytes", nullptr}};
  if (!finding.sites.empty()) {
    const analysis::LeakSite& site = finding.sites.front();
    row["first_site_retained_bytes"] = site.retained_bytes.bytes;
    const auto& places = site.stack.places;
    if (!places.empty()) {
      const auto& place = places[site.stack.application_place < places.size() ? site.stack.application_place : 0];
      row["first_site_file"] = place.file;
      row["first_site_line"] = place.line;
      row["first_site_function"] = place.function;
    }
  }
  return row;
}

}  // namespace

std::string leaks_csv(const analysis::LeaksResult& result) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < shown_findings(result, 0); ++i) {
    rows.push_back(flat_row(result.findings[i]));
  }
  return write_csv(rows, flat_row({}));
}

}  // namespace heapledger::report
