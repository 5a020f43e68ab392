#include "report/interference_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "report/interference_json.h"
#include "report/interference_words.h"
#include "report/labelled_lines.h"
#include "report/requests_lines.h"
#include "report/table.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::EndpointPair;
using analysis::InterferenceResult;

constexpr std::size_t kMomentsShown = 5;
constexpr std::size_t kUnknownShown = 3;

Column right(const char* title, int dispensable = 0) { return {title, Align::kRight, false, dispensable}; }

std::string name_of_endpoint(const analysis::EndpointId& id) { return endpoint_name(id.method, id.route, id.version); }

bool differs(const EndpointPair& pair) {
  return (pair.duration && pair.duration->shown) || (pair.peak && pair.peak->shown);
}

std::vector<LabelledLine> moment_lines(const InterferenceResult& result) {
  std::vector<LabelledLine> lines;
  for (std::size_t i = 0; i < std::min(result.moments.size(), kMomentsShown); ++i) {
    lines.push_back({i == 0 ? "peak" : "", moment_words(result.moments[i])});
  }
  if (result.moments.size() > kMomentsShown) {
    lines.push_back({"", fmt::format("{} more in --format json", result.moments.size() - kMomentsShown)});
  }
  lines.push_back({"together", together_words(result)});
  return lines;
}

std::string differences_table(const InterferenceResult& result, std::size_t shown, const TextStyle& style) {
  Table table({{"ENDPOINT", Align::kLeft, true, 0},
               {"BESIDE", Align::kLeft, false, 0},
               right("REQS", 1),
               right("DURATION"),
               right("TIME", 2),
               right("APART", 2),
               right("ALL REQUESTS' PEAK")});
  bool every_level_matched = true;
  for (std::size_t i = 0; i < shown; ++i) {
    const EndpointPair& pair = result.pairs[i];
    const bool timed = pair.duration && pair.duration->shown;
    every_level_matched = every_level_matched && pair.level_matched;
    table.add_row({name_of_endpoint(pair.endpoint), name_of_endpoint(pair.beside) + (pair.level_matched ? "" : " *"),
                   format_count(pair.requests_beside), duration_words(pair),
                   timed ? format_duration(pair.duration->beside_seconds) : "~",
                   timed ? format_duration(pair.duration->apart_seconds) : "~", peak_words(pair)});
  }
  std::string text = table.render(style);
  text += fmt::format(
      "(REQS = with such a request in flight at their start, against others with as many in flight; "
      "{} intervals)\n",
      format_percent(result.confidence_ratio));
  return every_level_matched ? text : text + "(* = against others with any number in flight)\n";
}

// What is not in the table, in numbers, and the pairs that lack least.
std::vector<LabelledLine> other_lines(const InterferenceResult& result) {
  std::uint64_t same = 0;
  std::uint64_t unknown = 0;
  std::vector<LabelledLine> lines;
  for (const EndpointPair& pair : result.pairs) {
    same += pair.duration && !differs(pair) ? 1 : 0;
    unknown += pair.duration ? 0 : 1;
  }
  if (same != 0) {
    lines.push_back(
        {"same", fmt::format("{} other pair{}: no difference to be seen", format_count(same), same == 1 ? "" : "s")});
  }
  std::size_t told = 0;
  for (const EndpointPair& pair : result.pairs) {
    if (!pair.duration && told < kUnknownShown) {
      lines.push_back(
          {told++ == 0 ? "unknown" : "", fmt::format("{} beside {}: {}", name_of_endpoint(pair.endpoint),
                                                     name_of_endpoint(pair.beside), missing_comparison(pair))});
    }
  }
  if (unknown > told) {
    lines.push_back({"", fmt::format("{} more in --format json", format_count(unknown - told))});
  }
  if (result.pairs_never_beside != 0) {
    lines.push_back(
        {"never", fmt::format("{} pair{} of endpoints did not meet", format_count(result.pairs_never_beside),
                              result.pairs_never_beside == 1 ? "" : "s")});
  }
  return lines;
}

std::string notes(const InterferenceResult& result, const TextStyle& style) {
  std::vector<LabelledLine> lines;
  if (result.folded_requests != 0) {
    lines.push_back({"folded", fmt::format("{} older requests are histograms by now: in no figure here",
                                           format_count(result.folded_requests))});
  }
  for (const std::string& unmatched : unmatched_lines(result.unmatched)) {
    lines.push_back({"note", unmatched});
  }
  lines.push_back({"note", how_it_stands(result.recording.state)});
  return write_lines(lines, style);
}

}  // namespace

std::string interference_text(const InterferenceResult& result, const TextStyle& style) {
  if (result.requests == 0) {
    const std::string in_all = result.recorded_requests == 0 ? ""
                                                             : fmt::format(" for these options ({} in all)",
                                                                           format_count(result.recorded_requests));
    return "nothing recorded" + in_all + "\n" + notes(result, style);
  }
  const auto differing = static_cast<std::size_t>(std::count_if(result.pairs.begin(), result.pairs.end(), differs));
  const std::size_t shown = std::min(differing, shown_pairs(result, analysis::kTextLimit));
  std::string text = write_lines(moment_lines(result), style);
  text += shown > 0 ? differences_table(result, shown, style) : "";
  if (shown < differing) {
    text += fmt::format("({} more: --limit 0)\n", format_count(differing - shown));
  }
  return text + write_lines(other_lines(result), style) + notes(result, style);
}

}  // namespace heapledger::report
