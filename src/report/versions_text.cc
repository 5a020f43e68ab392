#include "report/versions_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "analysis/row_arithmetic.h"
#include "report/code_lines.h"
#include "report/labelled_lines.h"
#include "report/printable.h"
#include "report/requests_lines.h"
#include "report/table.h"
#include "report/units.h"
#include "report/versions_json.h"
#include "report/versions_words.h"

namespace heapledger::report {
namespace {

using analysis::VersionMetric;
using analysis::VersionPair;
using analysis::VersionsResult;
using analysis::VersionVerdict;

constexpr std::size_t kShownSites = 3;

Column right(const char* title, int dispensable = 0) { return {title, Align::kRight, false, dispensable}; }

const VersionMetric* figure_of(const VersionPair& pair, const char* name) {
  const auto found = std::find_if(pair.metrics.begin(), pair.metrics.end(),
                                  [name](const VersionMetric& metric) { return metric.name == name; });
  return found == pair.metrics.end() ? nullptr : &*found;
}

std::string median_cell(const VersionMetric* metric, std::optional<double> VersionMetric::*side) {
  return metric != nullptr && metric->*side ? format_bytes(analysis::rounded_count(*(metric->*side))) : "-";
}

std::string change_cell(const VersionMetric* metric) { return metric == nullptr ? "-" : change_text(*metric); }

std::string counted(std::uint64_t count, const char* one, const char* several) {
  return fmt::format("{} {}", format_count(count), count == 1 ? one : several);
}

LabelledLine why_line(const VersionPair& pair) {
  const char* label = pair.verdict == VersionVerdict::kRegression ? "!" : "";
  return {label, pair_name(pair.method, pair.route, pair.from, pair.to) + ": " + pair_reason(pair)};
}

std::vector<LabelledLine> site_lines(const VersionPair& pair) {
  std::vector<const analysis::CodeStack*> stacks;
  for (const analysis::VersionSite& site : pair.sites) {
    stacks.push_back(&site.stack);
  }
  const std::string common = common_folder(stacks);
  std::vector<LabelledLine> lines;
  for (std::size_t i = 0; i < std::min(pair.sites.size(), kShownSites); ++i) {
    const analysis::VersionSite& site = pair.sites[i];
    lines.push_back(
        {i == 0 ? "  lines" : "", fmt::format("{}   {} a request, was {}", code_line(site.stack, common),
                                              format_bytes(site.to_bytes.bytes), format_bytes(site.from_bytes.bytes))});
  }
  return lines;
}

std::string endpoints_line(const std::vector<analysis::VersionEndpoint>& endpoints) {
  std::string text;
  for (std::size_t i = 0; i < std::min(endpoints.size(), analysis::kTextLimit); ++i) {
    const analysis::EndpointId& id = endpoints[i].id;
    text += (i == 0 ? "" : ", ") + endpoint_name(id.method, id.route, id.version);
  }
  return endpoints.size() > analysis::kTextLimit
             ? text + fmt::format(" and {} more", format_count(endpoints.size() - analysis::kTextLimit))
             : text;
}

std::string deprecated_line(const analysis::DeprecatedEndpoint& endpoint) {
  std::string text =
      fmt::format("{}: {} of its route's requests, {} of all byte-seconds; without it {} less in flight",
                  endpoint_name(endpoint.id.method, endpoint.id.route, endpoint.id.version),
                  format_percent(endpoint.route_requests_ratio), format_percent(endpoint.byte_seconds_ratio),
                  format_bytes(analysis::rounded_count(endpoint.mean_live_bytes)));
  if (endpoint.retained_bytes && *endpoint.retained_bytes > 0) {
    text += fmt::format(", {} less kept", format_bytes(*endpoint.retained_bytes));
  }
  return endpoint.sunset.empty() ? text : text + "; sunset " + printable(endpoint.sunset);
}

std::string compatibility_line(const analysis::CompatibilityCost& cost) {
  std::string text = printable(cost.name);
  if (cost.endpoint) {
    text += " in " + endpoint_name(cost.endpoint->method, cost.endpoint->route, cost.endpoint->version);
  }
  const std::uint64_t each = cost.calls > 0 ? cost.allocated_bytes / cost.calls : 0;
  text += fmt::format(": {}, {} allocated a call, lifts the peak by {} at most", counted(cost.calls, "call", "calls"),
                      format_bytes(each), format_bytes(cost.peak_bytes));
  return cost.allocated_ratio
             ? text + fmt::format(", {} of what its requests allocate", format_percent(*cost.allocated_ratio))
             : text;
}

}  // namespace

std::string version_headline(const VersionsResult& result) {
  std::array<std::uint64_t, 4> counts{};
  for (const VersionPair& pair : result.pairs) {
    ++counts[static_cast<std::size_t>(pair.verdict)];
  }
  std::string text;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto verdict = static_cast<VersionVerdict>(i);
    const bool countable = verdict == VersionVerdict::kRegression || verdict == VersionVerdict::kImprovement;
    if (counts[i] > 0) {
      text += (text.empty() ? "" : ", ") + format_count(counts[i]) + " " + name_of(verdict) +
              (countable && counts[i] > 1 ? "s" : "");
    }
  }
  return fmt::format("{} compared: {}", counted(result.pairs.size(), "pair of endpoints", "pairs of endpoints"),
                     text.empty() ? "nothing to compare" : text);
}

std::string version_pairs_table(const VersionsResult& result, const TextStyle& style) {
  Table table({{"ENDPOINT", Align::kLeft, true, 0},
               right("REQS"),
               right("", 0),
               right("PEAK p50"),
               right("", 0),
               right("CHANGE"),
               right("ALLOC p50", 1),
               right("", 1),
               right("CHANGE", 1),
               right("BYTE-S", 2),
               {"VERDICT", Align::kLeft, false, 0}});
  const std::size_t shown = shown_pairs(result, analysis::kTextLimit);
  for (std::size_t i = 0; i < shown; ++i) {
    const VersionPair& pair = result.pairs[i];
    const VersionMetric* peak = figure_of(pair, "peak_bytes");
    const VersionMetric* allocated = figure_of(pair, "allocated_bytes");
    table.add_row({pair_name(pair.method, pair.route, pair.from, pair.to), format_count(pair.from_requests),
                   format_count(pair.to_requests), median_cell(peak, &VersionMetric::from),
                   median_cell(peak, &VersionMetric::to), change_cell(peak),
                   median_cell(allocated, &VersionMetric::from), median_cell(allocated, &VersionMetric::to),
                   change_cell(allocated), change_cell(figure_of(pair, "byte_seconds")), name_of(pair.verdict)});
  }
  std::string text = table.render(style);
  if (shown < result.pairs.size()) {
    text += fmt::format("({} more: --limit 0)\n", format_count(result.pairs.size() - shown));
  }
  return text;
}

std::string version_notes(const VersionsResult& result, const TextStyle& style) {
  std::vector<LabelledLine> lines;
  if (result.requests_folded > 0) {
    lines.push_back(
        {"note", format_count(result.requests_folded) + " requests have no row of their own: not compared"});
  }
  if (result.compatibility_calls_dropped > 0) {
    lines.push_back({"note", format_count(result.compatibility_calls_dropped) +
                                 " calls of compatibility code are in no figure: too many names"});
  }
  if (result.versions_altered > 0) {
    lines.push_back(
        {"note", fmt::format("{} time{} the service named a version that is too long, has other characters "
                             "than letters, digits and ._-, or is beyond the first 32: filed altered",
                             format_count(result.versions_altered), result.versions_altered == 1 ? "" : "s")});
  }
  for (const std::string& unmatched : unmatched_lines(result.unmatched)) {
    lines.push_back({"note", unmatched});
  }
  lines.push_back({"note", how_it_stands(result.recording.state)});
  if (result.other) {
    lines.push_back({"note", how_it_stands(result.other->state)});
  }
  return write_lines(lines, style);
}

std::string versions_text(const VersionsResult& result, const TextStyle& style) {
  const bool empty = result.pairs.empty() && result.added.empty() && result.removed.empty() &&
                     result.deprecated.empty() && result.compatibility.empty();
  if (empty) {
    const char* what = result.requests == 0 ? "nothing recorded\n" : "nothing recorded of more than one version\n";
    return what + version_notes(result, style);
  }
  if (result.report) {
    return migration_text(result, style);
  }
  std::string text = version_headline(result) + "\n";
  if (!result.pairs.empty()) {
    text += version_pairs_table(result, style) +
            "(medians of all requests; CHANGE = to / from at like payloads, same = within 5 %, ~ = nothing shown)\n";
  }
  const std::size_t shown = shown_pairs(result, analysis::kTextLimit);
  for (std::size_t i = 0; i < shown; ++i) {
    if (result.pairs[i].verdict != VersionVerdict::kSame) {
      text += write_line(why_line(result.pairs[i]), style) + write_lines(site_lines(result.pairs[i]), style);
    }
  }
  if (result.other && !result.pairs.empty()) {
    const std::string words = result.risk ? risk_words(*result.risk) + ", all at the rates of the first recording"
                                          : "not known, " + risk_reason(result, result.risk);
    text += write_line({"risk", "memory exceeded: " + words}, style);
  }
  text += write_lines({{"added", endpoints_line(result.added)}, {"removed", endpoints_line(result.removed)}}, style);
  for (const analysis::DeprecatedEndpoint& endpoint : result.deprecated) {
    text += write_line({"old", deprecated_line(endpoint)}, style);
  }
  for (const analysis::CompatibilityCost& cost : result.compatibility) {
    text += write_line({"compat", compatibility_line(cost)}, style);
  }
  return text + version_notes(result, style);
}

}  // namespace heapledger::report
