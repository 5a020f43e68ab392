#include "report/lifecycle_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "report/requests_lines.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::EndpointLifecycle;
using analysis::SurvivalAge;

// The first age by which so much of what escaped was freed; absent when it never was.
std::optional<double> age_when_freed(const analysis::Survival& survival, double ratio) {
  for (const SurvivalAge& age : survival.ages) {
    if (age.until_seconds && 1 - age.left_ratio >= ratio) {
      return age.until_seconds;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string missing_series(const EndpointLifecycle& endpoint) {
  return endpoint.parts.empty() ? "its requests were too short for a curve" : "";
}

std::string missing_phases(const EndpointLifecycle& endpoint) {
  return endpoint.phases.empty() ? "phases of its requests were not seen" : "";
}

std::string missing_survival(const EndpointLifecycle& endpoint) {
  return endpoint.survival ? "" : "the recording does not say what became of what outlived its requests";
}

std::string lifecycle_headline(const EndpointLifecycle& endpoint) {
  const analysis::EndpointId& id = endpoint.endpoint;
  return fmt::format("{}: {} request{}, {} and a peak of {} in the median",
                     endpoint_name(id.method, id.route, id.version), format_count(endpoint.requests),
                     endpoint.requests == 1 ? "" : "s", format_duration(endpoint.duration_seconds.p50),
                     format_bytes(endpoint.peak_bytes.p50));
}

std::string phase_line(const analysis::LifecyclePhase& phase) {
  return fmt::format("{:<12} {:>8}  {:>9} at its highest, {:>9} allocated", phase.name,
                     format_duration(phase.duration_seconds.p50), format_bytes(phase.peak_bytes.p50),
                     format_bytes(phase.allocated_bytes.p50));
}

std::string peak_time_line(const EndpointLifecycle& endpoint) {
  if (!endpoint.peak_at_ratio) {
    return "";
  }
  return fmt::format("at {} of the time in the median, at {} or before in 90 % of the requests",
                     format_percent(endpoint.peak_at_ratio->p50), format_percent(endpoint.peak_at_ratio->p90));
}

std::string released_line(const EndpointLifecycle& endpoint) {
  const auto half = std::find_if(endpoint.parts.begin(), endpoint.parts.end(),
                                 [](const analysis::LifecyclePart& part) { return part.released_ratio >= 0.5; });
  const std::string when = half == endpoint.parts.end()
                               ? "less than half of the peaks before the last moment"
                               : fmt::format("half of the peaks by {} of the time", format_percent(half->until_ratio));
  return fmt::format("{}{} at the end; {} escape from the median request", endpoint.parts.empty() ? "" : when + ", ",
                     format_percent(endpoint.released_at_end_ratio), format_bytes(endpoint.escaped_bytes.p50));
}

std::string after_response_line(const EndpointLifecycle& endpoint) {
  if (endpoint.after_response_bytes.max == 0) {
    return "";
  }
  return fmt::format("{} allocated after the response in the median, {} at most",
                     format_bytes(endpoint.after_response_bytes.p50), format_bytes(endpoint.after_response_bytes.max));
}

std::string survival_line(const EndpointLifecycle& endpoint) {
  if (!endpoint.survival) {
    return "not known: " + missing_survival(endpoint);
  }
  const analysis::Survival& survival = *endpoint.survival;
  if (survival.escaped_bytes == 0) {
    return "nothing escaped";
  }
  std::string text = fmt::format("of {} that escaped ", format_bytes(survival.escaped_bytes));
  const std::optional<double> half = age_when_freed(survival, 0.5);
  const std::optional<double> most = age_when_freed(survival, 0.9);
  if (half) {
    text += fmt::format("half were freed within {}", format_duration(*half));
    text += most && *most > *half ? fmt::format(", 90 % within {}", format_duration(*most)) : "";
  } else {
    text += format_percent(static_cast<double>(survival.freed_bytes) / static_cast<double>(survival.escaped_bytes)) +
            " were freed";
  }
  return text + fmt::format("; {} still live", format_bytes(survival.retained_bytes));
}

}  // namespace heapledger::report
