#include "report/limits_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/leaks_words.h"
#include "report/printable.h"
#include "report/requests_lines.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::ExhaustionMethod;
using analysis::ExhaustionScenario;
using analysis::LimitsMissing;
using analysis::LimitsResult;

constexpr std::size_t kBurstLines = 3;
constexpr double kHardlyEver = 1e-6;  // a day: smaller ones are of no use, and rounding
constexpr double kHundredYearsSeconds = 100 * 365.25 * 86'400;

std::string per_day(double rate) {
  if (rate <= 0) {
    return "0";
  }
  if (rate < kHardlyEver) {
    return "< 1e-6";
  }
  if (rate >= 1000) {
    return about_count(rate);
  }
  return rate >= 0.0995 ? fmt::format("{:.1f}", rate) : fmt::format("{:.2g}", rate);
}

bool is_hardly_ever(const ExhaustionScenario& row) {
  const double most =
      row.exceedances_per_day_interval ? row.exceedances_per_day_interval->high : row.exceedances_per_day.value_or(1);
  return row.exceedances_per_day && most < kHardlyEver;
}

// What is to be said of it would be of a rounding, or of a request of quite another size than any recorded.
bool is_no_first(const ExhaustionScenario& row) {
  const bool far = row.largest_peak_bytes && row.needed_peak_bytes &&
                   static_cast<double>(*row.needed_peak_bytes) > 10 * static_cast<double>(*row.largest_peak_bytes);
  return !row.first || far || (row.exceedances_per_day && *row.exceedances_per_day < kHardlyEver);
}

std::string at_once(std::uint64_t count) {
  return count >= analysis::kMostConcurrency ? "a million or more" : format_count(count);
}

std::string name_of_endpoint(const analysis::EndpointId& id) { return endpoint_name(id.method, id.route, id.version); }

std::string plural(std::uint64_t count, const char* word) {
  return fmt::format("{} {}{}", format_count(count), word, count == 1 ? "" : "s");
}

std::string days_words(double seconds) {
  constexpr double kDay = 86'400;
  const double days = seconds / kDay;
  return days >= 1 && days == std::floor(days) ? plural(static_cast<std::uint64_t>(days), "day")
                                               : format_duration(seconds);
}

std::string first_words(const LimitsResult& result) {
  if (result.exhaustion.empty() || is_no_first(result.exhaustion.front())) {
    return "";
  }
  const analysis::EndpointId& first = *result.exhaustion.front().first;
  const auto same = [&first](const auto& row) {
    return row.endpoint.method == first.method && row.endpoint.route == first.route &&
           row.endpoint.version == first.version;
  };
  const auto burst = std::find_if(result.burst.begin(), result.burst.end(), same);
  const auto limit = std::find_if(result.limits.endpoints.begin(), result.limits.endpoints.end(), same);
  if (burst == result.burst.end() || limit == result.limits.endpoints.end()) {
    return result.chosen ? name_of_endpoint(first) + ", which was not chosen" : "";
  }
  const std::uint64_t too_many = burst->from_idle + 1;
  std::string text = name_of_endpoint(first) + ": ";
  if (result.exhaustion.front().method != ExhaustionMethod::kInversion) {
    return text + "one larger than any recorded may exceed alone; " +
           (limit->largest_body_bytes ? "limit the body" : "it has no body to limit: bound what one request loads");
  }
  text += too_many == 1 ? "one alone can exceed" : fmt::format("{} at once can exceed", format_count(too_many));
  if (limit->max_body_bytes && too_many <= 3) {
    return text + "; limit the body, not the rate";
  }
  return text + (too_many == 1 ? "; no rate is safe" : "; limit how many run at once");
}

std::string whole_words(const LimitsResult& result) {
  const analysis::MemoryLimits& limits = result.limits;
  std::string text =
      limits.workers_now > 0 ? fmt::format("with {} as now: ", plural(limits.workers_now, "worker")) : std::string();
  text += limits.concurrency ? plural(*limits.concurrency, "request") + " at once" : limits.concurrency_reason;
  text += fmt::format(", {} a second of the recorded mix", rate_words(limits.requests_per_second.value_or(0)));
  return limits.max_requests ? text + fmt::format(", max_requests {}", format_count(*limits.max_requests)) : text;
}

std::string burst_words(const analysis::BurstRoom& burst) {
  return fmt::format(
      "{}: {} at once from idle, {} beside today's traffic; each holds most of it for {}, over in {} or more",
      name_of_endpoint(burst.endpoint), at_once(burst.from_idle), at_once(burst.from_now),
      format_duration(burst.held_seconds), format_duration(burst.recovery_seconds));
}

std::string worker_words(const analysis::MemoryLimits& limits) {
  if (!limits.worker_count) {
    return limits.worker_reason;
  }
  std::string text =
      format_count(*limits.worker_count) + (*limits.worker_count == 1 ? " fits" : " fit") + " at the recorded traffic";
  if (*limits.worker_count == limits.workers_now) {
    return text + ", as many as now";
  }
  if (limits.worker_headroom_bytes) {
    text += fmt::format("; with so many the headroom is {}", format_bytes(*limits.worker_headroom_bytes));
    text += limits.worker_concurrency ? ", " + plural(*limits.worker_concurrency, "request") + " at once" : "";
  }
  return text;
}

std::string strategy_words(const LimitsResult& result) {
  const analysis::StrategyOutcome* none = nullptr;
  const analysis::StrategyOutcome* best = nullptr;
  for (const analysis::StrategyOutcome& outcome : result.strategies) {
    best = outcome.recommended ? &outcome : best;
    const bool alone = outcome.strategy == analysis::LimitStrategy::kNone;
    none = alone && (none == nullptr || outcome.load_ratio > none->load_ratio) ? &outcome : none;
  }
  if (none == nullptr || best == nullptr) {
    return "";
  }
  if (best == none) {
    return fmt::format("{} at {:.0f} times the pace: no limit is needed, {} without",
                       plural(result.replayed_requests, "request"), none->load_ratio,
                       plural(none->exceedances, "exceedance"));
  }
  std::string name = name_of(best->strategy);
  std::replace(name.begin(), name.end(), '_', ' ');
  return fmt::format("{} at {:.0f} times the pace: {} without limits; {}: {}, {} a second served, {} rejected",
                     plural(result.replayed_requests, "request"), none->load_ratio,
                     plural(none->exceedances, "exceedance"), name, format_count(best->exceedances),
                     rate_words(best->goodput_per_second), format_percent(best->rejected_ratio));
}

void add_notes(const LimitsResult& result, std::vector<LabelledLine>& lines) {
  if (result.folded_requests > 0) {
    lines.push_back({"note", fmt::format("{} are folded: of them peaks and byte-seconds are known, how they moved is "
                                         "taken at its worst",
                                         plural(result.folded_requests, "request"))});
  }
  if (result.folded_requests_left_out > 0) {
    lines.push_back({"note", fmt::format("{} of time slices that lie partly outside are left out",
                                         plural(result.folded_requests_left_out, "folded request"))});
  }
  if (result.requests_without_curve > 0) {
    lines.push_back({"note", fmt::format("{} have no curve: taken at their peak",
                                         plural(result.requests_without_curve, "request"))});
  }
  if (result.budget.headroom_bytes && !result.budget.overhead_measured) {
    lines.push_back({"note", "requests held too little to measure the allocator's overhead: none is reckoned"});
  }
  for (const std::string& unmatched : unmatched_lines(result.unmatched)) {
    lines.push_back({"note", unmatched});
  }
  const std::string state = how_it_stands(result.recording.state);
  if (!state.empty()) {
    lines.push_back({"note", state});
  }
}

}  // namespace

std::string missing_words(const LimitsResult& result) {
  const analysis::MemoryBudget& budget = result.budget;
  switch (result.missing) {
    case LimitsMissing::kNothing:
      return "";
    case LimitsMissing::kNoTraffic:
      return "nothing recorded";
    case LimitsMissing::kTooFewRequests:
      return fmt::format("{}, needs about {}", plural(result.requests, "request"),
                         format_count(result.requests_needed));
    case LimitsMissing::kNoTime:
      return "all requests started at one moment: they have no rate";
    case LimitsMissing::kNoLimit:
      return "no memory limit is known; --memory-limit 512MiB tells it";
    case LimitsMissing::kNoMemorySample:
      return "the recording has no sample of the memory in use";
    case LimitsMissing::kBelowBaseline:
      break;
  }
  return fmt::format("the limit of {} is below what {} without any request, {}",
                     format_bytes(budget.limit_bytes.value_or(0)),
                     budget.processes == 1 ? "1 process takes" : format_count(budget.processes) + " processes take",
                     format_bytes(budget.baseline_bytes.value_or(0)));
}

std::string budget_words(const LimitsResult& result) {
  const analysis::MemoryBudget& budget = result.budget;
  if (!budget.limit_bytes || !budget.headroom_bytes) {
    return "";
  }
  const ByteUnit unit = byte_unit_for(*budget.headroom_bytes);
  const auto in_unit = [unit](double bytes) { return format_in(unit, bytes); };
  const double over = static_cast<double>(*budget.limit_bytes) - static_cast<double>(*budget.baseline_bytes) -
                      static_cast<double>(*budget.headroom_bytes);
  return fmt::format("{} ({}) - idle {} {} - allocator {} = headroom {}", format_bytes(*budget.limit_bytes),
                     printable(budget.source),
                     budget.processes == 1 ? "process" : format_count(budget.processes) + " processes",
                     in_unit(static_cast<double>(*budget.baseline_bytes)), in_unit(std::max(0.0, over)),
                     format_bytes(*budget.headroom_bytes));
}

std::string risk_words(const LimitsResult& result) {
  return fmt::format("at most one exceedance in {} (--risk)", days_words(result.risk_seconds));
}

std::string scenario_words(const ExhaustionScenario& row) {
  if (row.method == ExhaustionMethod::kBeyondTheData) {
    std::string text = "beyond the data";
    if (row.largest_peak_bytes && row.needed_peak_bytes) {
      text += fmt::format(": no request recorded peaked above {}, one of {} would exceed",
                          format_bytes(*row.largest_peak_bytes), format_bytes(*row.needed_peak_bytes));
    }
    if (row.recorded_per_day) {
      text += *row.recorded_per_day < kHardlyEver
                  ? "; those recorded exceed less than once in a million days"
                  : "; those recorded exceed " + per_day(*row.recorded_per_day) + " a day";
    }
    return text;
  }
  if (!row.exceedances_per_day) {
    return row.seconds_to_exhaustion ? "over the risk already" : "";
  }
  if (is_hardly_ever(row)) {
    return "less than once in a million days";
  }
  std::string text = per_day(*row.exceedances_per_day) + " a day";
  if (row.exceedances_per_day_interval) {
    text += fmt::format(" [{}, {}]", per_day(row.exceedances_per_day_interval->low),
                        per_day(row.exceedances_per_day_interval->high));
  }
  if (row.seconds_to_exhaustion && *row.seconds_to_exhaustion < kHundredYearsSeconds) {
    text +=
        *row.seconds_to_exhaustion < 1 ? ", at once" : ", the first in " + about_duration(*row.seconds_to_exhaustion);
  }
  return row.time_over_ratio && *row.time_over_ratio >= 1e-4
             ? text + fmt::format(", over for {} of the time", format_percent(*row.time_over_ratio))
             : text;
}

std::string rate_words(double per_second) {
  if (per_second >= 999.5) {
    return format_count(static_cast<std::uint64_t>(std::llround(std::min(per_second, 1e15))));
  }
  if (per_second >= 0.95) {
    return fmt::format("{:.1f}", per_second);
  }
  return per_second > 0 ? fmt::format("{:.2g}", per_second) : "0";
}

std::vector<LabelledLine> limit_lines(const LimitsResult& result) {
  std::vector<LabelledLine> lines;
  if (result.missing == LimitsMissing::kNothing) {
    lines.push_back({"first", first_words(result)});
    lines.push_back({"limits", whole_words(result)});
    lines.push_back({"workers", worker_words(result.limits)});
    for (std::size_t i = 0; i < std::min(kBurstLines, result.burst.size()); ++i) {
      lines.push_back({i == 0 ? "burst" : "", burst_words(result.burst[i])});
    }
    for (std::size_t i = 1; i < result.exhaustion.size(); ++i) {
      const ExhaustionScenario& row = result.exhaustion[i];
      const bool leak = row.scenario.starts_with("leak");
      std::string words = scenario_words(row);
      if (leak) {
        words =
            fmt::format("over the risk in {} without a restart", about_duration(row.seconds_to_exhaustion.value_or(0)));
      }
      lines.push_back({i == 1 ? "if" : "", printable(row.scenario) + ": " + words});
    }
    lines.push_back({"replay", strategy_words(result)});
  }
  add_notes(result, lines);
  return lines;
}

}  // namespace heapledger::report
