// The migration report: `heapledger versions --report`.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "analysis/row_arithmetic.h"
#include "report/labelled_lines.h"
#include "report/printable.h"
#include "report/requests_lines.h"
#include "report/table.h"
#include "report/units.h"
#include "report/versions_json.h"
#include "report/versions_text.h"
#include "report/versions_words.h"

namespace heapledger::report {
namespace {

using analysis::MigrationAction;
using analysis::MigrationStep;
using analysis::VersionsResult;

std::string heading(const char* title, const TextStyle& style) {
  return style.colour ? fmt::format("\n\x1b[1m{}\x1b[0m\n", title) : fmt::format("\n{}\n", title);
}

const char* words_for(MigrationAction action) {
  switch (action) {
    case MigrationAction::kMigrate:
      return "migrate";
    case MigrationAction::kMeasure:
      return "record more first";
    case MigrationAction::kFixFirst:
      return "fix the new one first";
    case MigrationAction::kNoSuccessor:
      break;
  }
  return "has no successor";
}

std::string bytes_text(double bytes) { return format_bytes(analysis::rounded_count(bytes)); }

std::string order(const VersionsResult& result, const TextStyle& style) {
  Table table({{"STEP", Align::kRight, false, 0},
               {"ENDPOINT", Align::kLeft, true, 0},
               {"REQS/S", Align::kRight, false, 1},
               {"IN FLIGHT", Align::kRight, false, 0},
               {"DO", Align::kLeft, false, 0}});
  for (std::size_t i = 0; i < result.steps.size(); ++i) {
    const MigrationStep& step = result.steps[i];
    const std::string name = step.to.empty() && step.action == MigrationAction::kNoSuccessor
                                 ? endpoint_name(step.method, step.route, step.from)
                                 : pair_name(step.method, step.route, step.from, step.to);
    table.add_row({std::to_string(i + 1), name, fmt::format("{:.2f}", step.requests_per_second),
                   step.mean_live_bytes_change ? signed_bytes(*step.mean_live_bytes_change) : "-",
                   words_for(step.action)});
  }
  return result.steps.empty() ? "nothing to migrate\n" : table.render(style);
}

std::string capacity(const VersionsResult& result, const TextStyle& style) {
  if (result.capacity.empty()) {
    return "not known: no pair has requests of both versions\n";
  }
  Table table({{"MIGRATED", Align::kRight, false, 0},
               {"IN FLIGHT, MEAN", Align::kRight, false, 0},
               {"FROM", Align::kRight, false, 0},
               {"TO", Align::kRight, false, 0}});
  for (const analysis::MigrationCapacity& point : result.capacity) {
    table.add_row({fmt::format("{:.0f} %", point.migrated_ratio * 100), bytes_text(point.mean_live_bytes),
                   bytes_text(point.interval.low), bytes_text(point.interval.high)});
  }
  return table.render(style);
}

// More requests than memory holds.
std::string risks(const VersionsResult& result) {
  std::string text;
  for (const analysis::VersionPair& pair : result.pairs) {
    if (pair.risk) {
      text += fmt::format("memory exceeded, {}: {}\n", pair_name(pair.method, pair.route, pair.from, pair.to),
                          risk_words(*pair.risk));
    }
  }
  if (result.risk) {
    text += "memory exceeded, all of these: " + risk_words(*result.risk) + "\n";
  }
  const bool none = text.empty() && !result.pairs.empty();
  return none ? "memory exceeded: not known, " + risk_reason(result, result.pairs.front().risk) + "\n" : text;
}

std::string removals(const VersionsResult& result) {
  std::string text;
  for (const analysis::DeprecatedEndpoint& endpoint : result.deprecated) {
    text += fmt::format("{}: {} still {} of its route's requests, frees {} in flight{}{}{}\n",
                        endpoint_name(endpoint.id.method, endpoint.id.route, endpoint.id.version),
                        format_count(endpoint.requests), format_percent(endpoint.route_requests_ratio),
                        bytes_text(endpoint.mean_live_bytes),
                        endpoint.retained_bytes ? " and " + format_bytes(*endpoint.retained_bytes) + " kept" : "",
                        endpoint.replaced_by.empty() ? "; nothing replaces it" : "",
                        endpoint.sunset.empty() ? "" : "; sunset " + printable(endpoint.sunset));
  }
  for (const analysis::CompatibilityCost& cost : result.compatibility) {
    text += fmt::format("compatibility code {}: {} calls, {} allocated\n", printable(cost.name),
                        format_count(cost.calls), format_bytes(cost.allocated_bytes));
  }
  return text.empty() ? "nothing is marked as deprecated\n" : text;
}

}  // namespace

std::string migration_text(const VersionsResult& result, const TextStyle& style) {
  std::string text = "Migration report: " + version_headline(result) + "\n";
  text += heading("Versions compared", style) + version_pairs_table(result, style);
  for (std::size_t i = 0; i < shown_pairs(result, analysis::kTextLimit); ++i) {
    const analysis::VersionPair& pair = result.pairs[i];
    text += write_line({"", pair_name(pair.method, pair.route, pair.from, pair.to) + ": " + name_of(pair.verdict) +
                                (pair_reason(pair).empty() ? "" : ", " + pair_reason(pair))},
                       style);
  }
  text += heading("Memory of requests in flight, as the old versions' traffic moves", style) + capacity(result, style);
  text += risks(result);
  text += heading("Order", style) + order(result, style);
  text += heading("To remove", style) + removals(result);
  const std::string notes = version_notes(result, style);
  return notes.empty() ? text : text + "\n" + notes;
}

}  // namespace heapledger::report
