#include "report/leaks_words.h"

#include <fmt/format.h>

#include <cmath>

#include "analysis/row_arithmetic.h"
#include "report/requests_lines.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::LeakFinding;
using analysis::LeakGrounds;
using analysis::LeakVerdict;

std::string bytes_text(double bytes) { return format_bytes(analysis::rounded_count(bytes)); }

std::string requests_text(std::uint64_t count) {
  return fmt::format("{} request{}", format_count(count), count == 1 ? "" : "s");
}

std::string nothing_older_freed(const LeakFinding& finding) {
  if (finding.oldest_free_requests == 0) {
    return "none of it was ever freed";
  }
  if (finding.oldest_free_requests <= finding.worker_requests / 2) {
    return fmt::format("nothing older than {} was freed", requests_text(finding.oldest_free_requests));
  }
  return "the oldest as much as the youngest";
}

std::string in_workers(const LeakFinding& finding) {
  return finding.workers > 1
             ? fmt::format("; in {} of {} workers", format_count(finding.workers_alike), format_count(finding.workers))
             : "";
}

std::string others(const LeakFinding& finding) {
  std::string names;
  for (const analysis::EndpointId& other : finding.shared_with) {
    names += (names.empty() ? "" : ", ") + endpoint_name(other.method, other.route, other.version);
  }
  return names;
}

double two_digits(double value) {
  if (!(value >= 100)) {
    return std::round(value);
  }
  const double unit = std::pow(10, std::floor(std::log10(value)) - 1);
  return std::round(value / unit) * unit;
}

std::string leak_why(const LeakFinding& finding) {
  std::string why = fmt::format("every cohort since request {} keeps {}; {}", format_count(finding.since_request),
                                bytes_text(finding.bytes_per_request.value_or(0)), nothing_older_freed(finding));
  if (finding.grounds == LeakGrounds::kPairKeeps) {
    why = "keeps as much as ever together with " + others(finding) + ", neither does alone";
  }
  why += in_workers(finding);
  if (!finding.shared_with.empty()) {
    why += fmt::format("; cannot be told from {}: objects of this size are recycled between requests", others(finding));
  }
  return why;
}

}  // namespace

std::string about_count(double count) { return format_count(analysis::rounded_count(two_digits(count))); }

std::string about_duration(double seconds) {
  constexpr double kMinute = 60;
  constexpr double kHour = 60 * kMinute;
  constexpr double kDay = 24 * kHour;
  if (seconds < kMinute) {
    return fmt::format("{:.0f} s", seconds);
  }
  if (seconds < 2 * kHour) {
    return fmt::format("{:.0f} min", seconds / kMinute);
  }
  if (seconds < 2 * kDay) {
    return fmt::format("{:.0f} h", seconds / kHour);
  }
  return about_count(seconds / kDay) + " days";
}

std::string leak_reason(const LeakFinding& finding) {
  switch (finding.grounds) {
    case LeakGrounds::kEveryCohortKeeps:
    case LeakGrounds::kPairKeeps:
      return leak_why(finding);
    case LeakGrounds::kAddsLess:
      return fmt::format("it stays, but each cohort adds less: {} a request at first, {} of late",
                         bytes_text(finding.early_bytes_per_request),
                         bytes_text(finding.bytes_per_request.value_or(0)));
    case LeakGrounds::kUneven:
      return "it stays, too unevenly to tell a leak from a cache that fills";
    case LeakGrounds::kOldFreed:
      return fmt::format("what is old is freed: {} is the oldest age at which anything was",
                         requests_text(finding.oldest_free_requests));
    case LeakGrounds::kFirstOnly:
      return fmt::format("requests since number {} leave nothing", format_count(finding.since_request));
    case LeakGrounds::kNothing:
      return "nothing that grows";
    case LeakGrounds::kTooFewRequests:
      return fmt::format("{}, needs about {}{}{}", requests_text(finding.worker_requests),
                         finding.needed_for_overlap ? about_count(static_cast<double>(finding.requests_needed))
                                                    : format_count(finding.requests_needed),
                         finding.worker_requests < finding.requests ? " in one worker" : "",
                         finding.needed_for_overlap ? ": so many run at once" : "");
    case LeakGrounds::kNoSurvivorsKept:
      break;
  }
  return "the recording does not say what outlived its requests";
}

std::string leak_figures(const LeakFinding& finding) {
  const std::string retained = format_bytes(finding.retained_bytes.value_or(0));
  switch (finding.verdict) {
    case LeakVerdict::kLeak:
      return fmt::format("{} a request, {} retained after {}", bytes_text(finding.bytes_per_request.value_or(0)),
                         retained, format_count(finding.requests));
    case LeakVerdict::kGrowing:
      return fmt::format("{} a request of late, {} retained after {}",
                         bytes_text(finding.bytes_per_request.value_or(0)), retained, format_count(finding.requests));
    case LeakVerdict::kCache:
      return fmt::format("{}, evicting since request {}", retained, format_count(finding.since_request));
    case LeakVerdict::kWarmup:
      return fmt::format("{}, nothing since request {}", retained, format_count(finding.since_request));
    case LeakVerdict::kNone:
      return retained;
    case LeakVerdict::kUnknown:
      break;
  }
  return leak_reason(finding);
}

std::string limit_words(const analysis::LeaksResult& result, const LeakFinding& finding) {
  if (!result.memory_limit_bytes) {
    return "not known; --memory-limit 512MiB tells when it is reached";
  }
  const std::string limit = format_bytes(*result.memory_limit_bytes);
  if (!finding.requests_to_limit) {
    return limit + ", in how many requests is not known: the recording has no sample of the memory in use";
  }
  if (*finding.requests_to_limit == 0) {
    return limit + " is reached";
  }
  std::string text =
      fmt::format("{} in about {} requests", limit, about_count(static_cast<double>(*finding.requests_to_limit)));
  return finding.seconds_to_limit ? text + ", " + about_duration(*finding.seconds_to_limit) : text;
}

}  // namespace heapledger::report
