#include "report/lifecycle_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "report/labelled_lines.h"
#include "report/lifecycle_words.h"
#include "report/requests_lines.h"
#include "report/sparkline.h"
#include "report/table.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::EndpointLifecycle;
using analysis::LifecyclePart;
using analysis::LifecycleRequest;
using analysis::LifecycleResult;

Column right(const char* title, int dispensable = 0) { return {title, Align::kRight, false, dispensable}; }

// All three bands on one scale, so that they can be compared by eye.
std::vector<LabelledLine> band_lines(const EndpointLifecycle& endpoint, const TextStyle& style) {
  if (endpoint.parts.empty()) {
    return {{"live", "not known: " + missing_series(endpoint)}};
  }
  struct Band {
    const char* name;
    std::uint64_t LifecyclePart::*bytes;
  };
  constexpr Band kBands[] = {
      {"mean", &LifecyclePart::mean_bytes}, {"p50", &LifecyclePart::p50_bytes}, {"p90", &LifecyclePart::p90_bytes}};
  std::uint64_t full = 0;
  for (const LifecyclePart& part : endpoint.parts) {
    full = std::max({full, part.mean_bytes, part.p50_bytes, part.p90_bytes});
  }
  std::vector<LabelledLine> lines;
  for (const Band& band : kBands) {
    std::vector<std::uint64_t> bytes;
    for (const LifecyclePart& part : endpoint.parts) bytes.push_back(part.*band.bytes);
    const std::uint64_t highest = *std::max_element(bytes.begin(), bytes.end());
    lines.push_back(
        {lines.empty() ? "live" : "", fmt::format("{:<5} {}  {} at its highest", band.name,
                                                  sparkline(bytes, full, style.ascii), format_bytes(highest))});
  }
  return lines;
}

// Those that no request had are left out.
std::vector<LabelledLine> phase_lines(const EndpointLifecycle& endpoint) {
  std::vector<LabelledLine> lines;
  for (const analysis::LifecyclePhase& phase : endpoint.phases) {
    if (phase.duration_seconds.max > 0 || phase.allocated_bytes.max > 0) {
      lines.push_back({lines.empty() ? "phases" : "", phase_line(phase)});
    }
  }
  if (endpoint.phases.empty()) {
    lines.push_back({"phases", "not known: " + missing_phases(endpoint)});
  }
  return lines;
}

std::string named_table(const EndpointLifecycle& endpoint, const std::string& named_by, const TextStyle& style) {
  if (endpoint.named.empty()) {
    return "";
  }
  std::string title = named_by;
  std::transform(title.begin(), title.end(), title.begin(), [](unsigned char c) { return std::toupper(c); });
  Table table({{title, Align::kLeft, false, 0},
               right("WORKER", 3),
               right("STATUS", 4),
               right("DURATION"),
               right("PEAK"),
               right("AT", 1),
               right("ESCAPED", 2),
               right("ALONGSIDE", 5),
               {"LIVE", Align::kLeft, false, 0}});
  for (const LifecycleRequest& request : endpoint.named) {
    const std::uint64_t alongside = request.in_flight_at_start - std::min<std::uint64_t>(1, request.in_flight_at_start);
    table.add_row({format_clock(request.started_unix_us), std::to_string(request.worker),
                   std::to_string(request.status), format_duration(request.duration_seconds),
                   format_bytes(request.peak_bytes),
                   request.peak_at_ratio ? format_percent(*request.peak_at_ratio) : "-",
                   format_bytes(request.escaped_bytes), format_count(alongside),
                   request.live_bytes.empty() ? "-" : sparkline(request.live_bytes, request.peak_bytes, style.ascii)});
  }
  return table.render(style);
}

std::string endpoint_text(const EndpointLifecycle& endpoint, const std::string& named_by, const TextStyle& style) {
  std::string text = lifecycle_headline(endpoint) + "\n" + write_lines(band_lines(endpoint, style), style);
  text += write_lines({{"peak", peak_time_line(endpoint)},
                       {"released", released_line(endpoint)},
                       {"after", after_response_line(endpoint)},
                       {"survival", survival_line(endpoint)}},
                      style);
  text += write_lines(phase_lines(endpoint), style);
  if (!endpoint.parts.empty() && endpoint.requests_without_curve != 0) {
    text += write_line({"note", fmt::format("{} of its requests were too short for a curve",
                                            format_count(endpoint.requests_without_curve))},
                       style);
  }
  return text + named_table(endpoint, named_by, style);
}

std::string notes(const LifecycleResult& result, const TextStyle& style) {
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

std::string lifecycle_text(const LifecycleResult& result, const TextStyle& style) {
  if (result.endpoints.empty()) {
    const std::string in_all = result.recorded_requests == 0 ? ""
                                                             : fmt::format(" for these options ({} in all)",
                                                                           format_count(result.recorded_requests));
    return "nothing recorded" + in_all + "\n" + notes(result, style);
  }
  std::string text;
  for (const EndpointLifecycle& endpoint : result.endpoints) {
    text += endpoint_text(endpoint, result.named_by, style);
  }
  return text + notes(result, style);
}

}  // namespace heapledger::report
