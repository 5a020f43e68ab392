#include "report/pools_words.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "analysis/row_arithmetic.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::PoolGrounds;
using analysis::PoolLeak;
using analysis::PoolLeakKind;
using analysis::PoolPattern;
using analysis::PoolRecommendation;
using analysis::PoolSetting;
using analysis::PoolTrend;

std::string count_text(std::uint64_t count, const char* noun) {
  return fmt::format("{} {}{}", format_count(count), noun, count == 1 ? "" : "s");
}

std::string number_text(double value) {
  return value < 9.95 ? fmt::format("{:.1f}", value) : format_count(analysis::rounded_count(value));
}

std::string rate_text(double per_second) {
  return per_second < 0.095 ? fmt::format("{:.1f} checkouts an hour", per_second * 3600)
                            : number_text(per_second) + " checkouts a second";
}

std::string times_workers(const PoolRecommendation& made) {
  return made.workers > 1
             ? fmt::format("; times {} workers: {}", made.workers,
                           format_count(analysis::rounded_count(made.suggested * static_cast<double>(made.workers))))
             : "";
}

std::string load_text(const PoolRecommendation& made) {
  return fmt::format("{} that hold for {} keep {} in use in the busiest time", rate_text(made.per_second),
                     format_duration(made.hold_seconds), number_text(made.load));
}

// With one decimal, so that 99.9 % is not rounded up.
std::string exact_percent(double ratio) { return fmt::format("{:g} %", std::round(ratio * 1000) / 10); }

std::string level_text(const PoolRecommendation& made) {
  const std::string time = exact_percent(made.level_ratio) + " of the time";
  return made.level < 1
             ? "none in use for " + time
             : fmt::format("{} in use at most for {}", format_count(analysis::rounded_count(made.level)), time);
}

std::string budget_text(const PoolRecommendation& made) {
  const std::string waits = made.wait_ratio >= 1 ? "they cannot carry the load"
                                                 : format_percent(made.wait_ratio) + " of checkouts would wait";
  return fmt::format("more connections of {} do not fit under the memory limit; with these {}",
                     format_bytes(analysis::rounded_count(made.bytes_each)), waits);
}

}  // namespace

std::string setting_text(PoolSetting setting, const std::optional<double>& value) {
  if (!value) {
    return "not known or no limit";
  }
  const bool time = setting == PoolSetting::kRecycle || setting == PoolSetting::kTimeout;
  return time ? format_duration(*value) : format_count(analysis::rounded_count(*value));
}

std::string trend_reason(const PoolTrend& trend) {
  const char* what = trend.of_size ? "size" : "connections in use";
  switch (trend.pattern) {
    case PoolPattern::kStable:
      return (trend.first == trend.last ? fmt::format("size {}", format_count(trend.first))
                                        : fmt::format("size between {} and {}, with no direction,",
                                                      format_count(trend.first), format_count(trend.last))) +
             (trend.from_first ? " since the first event" : " but for the first eighth of the time");
    case PoolPattern::kGrowing:
      return fmt::format("{} never below {} at first, {} of late", what, format_count(trend.first),
                         format_count(trend.last));
    case PoolPattern::kShrinking:
      return fmt::format("{} up to {} at first, {} of late", what, format_count(trend.first), format_count(trend.last));
    case PoolPattern::kSawtooth:
      return fmt::format("{} rises slowly from about {} to {} and drops, {} times", what, format_count(trend.first),
                         format_count(trend.last), format_count(trend.cycles));
    case PoolPattern::kBursty:
      return fmt::format("{} in use half of the time{}, up to {} in {} bursts, {} of the time",
                         trend.first == 0 ? "none" : format_count(trend.first), trend.first == 0 ? "" : " at most",
                         format_count(trend.last), format_count(trend.cycles), format_percent(trend.time_ratio));
    case PoolPattern::kUnknown:
      break;
  }
  return fmt::format("{}, needs about {}", count_text(trend.checkouts, "checkout"), format_count(trend.needed));
}

std::string pool_leak_reason(const PoolLeak& leak) {
  switch (leak.kind) {
    case PoolLeakKind::kNeverReturned:
      return "its request has ended, and it was not returned";
    case PoolLeakKind::kOrphan:
      return leak.gone ? "gone without its pool's doing: it was dropped, not returned"
                       : "alive, but neither idle nor in use to its pool";
    case PoolLeakKind::kClosedKept:
      return fmt::format("closed, and {} of the {} it held still live", format_bytes(leak.live_bytes),
                         format_bytes(leak.open_bytes));
    case PoolLeakKind::kHeldLong:
      break;
  }
  return fmt::format("a suspicion: of {} holds none was near as long, from {} on one is not of their kind",
                     format_count(leak.holds), format_duration(leak.threshold_seconds));
}

std::string sizes_withheld_reason(const analysis::PoolUse& pool) {
  if (pool.lost == 0) return "";
  return fmt::format("fix the leak first: with {} lost, what is in use and who waits says nothing of the size it needs",
                     count_text(pool.lost, "connection"));
}

std::string recommendation_reason(const PoolRecommendation& made) {
  switch (made.grounds) {
    case PoolGrounds::kWaiting:
      return fmt::format("{}; with so many {} of checkouts wait{}", load_text(made), format_percent(made.wait_ratio),
                         times_workers(made));
    case PoolGrounds::kDeadlock:
      return fmt::format("{} at one time hold up to {} each: with fewer they can wait for each other for ever{}",
                         count_text(made.requests, "request"), format_count(made.held), times_workers(made));
    case PoolGrounds::kBudget:
      return budget_text(made) + times_workers(made);
    case PoolGrounds::kKept:
      return level_text(made) + times_workers(made);
    case PoolGrounds::kAlwaysNew:
      return fmt::format("{} of checkouts make a connection of their own", format_percent(made.level_ratio));
    case PoolGrounds::kGrows:
      return fmt::format("a connection grows by {} an hour while it is used: in this time it doubles",
                         format_bytes(analysis::rounded_count(made.bytes_each * 3600)));
    case PoolGrounds::kLongTimeout:
      break;
  }
  return fmt::format(
      "nobody waited or held one for longer than {}: who waits longer waits in vain, and keeps its memory",
      format_duration(made.longest_seconds));
}

}  // namespace heapledger::report
