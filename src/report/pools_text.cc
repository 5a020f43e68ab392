#include "report/pools_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "report/code_lines.h"
#include "report/labelled_lines.h"
#include "report/pools_words.h"
#include "report/printable.h"
#include "report/requests_lines.h"
#include "report/table.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::PoolEndpoint;
using analysis::PoolLeak;
using analysis::PoolLeakKind;
using analysis::PoolsResult;
using analysis::PoolUse;

Column right(const char* title, int dispensable = 0) { return {title, Align::kRight, false, dispensable}; }

std::string counted(std::uint64_t count, const char* one, const char* several) {
  return fmt::format("{} {}", format_count(count), count == 1 ? one : several);
}

std::string headline(const PoolUse& pool) {
  std::string text = fmt::format("{} ({}), {}: {} open, {} in use, {} idle", printable(pool.name),
                                 printable(pool.library), counted(pool.workers, "worker", "workers"),
                                 format_count(pool.size), format_count(pool.in_use), format_count(pool.idle));
  if (pool.max_size) {
    text += fmt::format(", limit {}{}", format_count(*pool.max_size), pool.workers > 1 ? " each" : "");
  }
  text += "; " + counted(pool.checkouts, "checkout", "checkouts");
  if (pool.closed_workers > 0) {
    text += pool.closed_workers == pool.workers
                ? "; closed at the end, shown as last used"
                : fmt::format("; closed at the end in {} of them, shown as last used", pool.closed_workers);
  }
  return text + "\n";
}

const char* words_for(PoolLeakKind kind) {
  switch (kind) {
    case PoolLeakKind::kNeverReturned:
      return "never returned";
    case PoolLeakKind::kOrphan:
      return "lost by the pool";
    case PoolLeakKind::kClosedKept:
      return "closed but kept";
    case PoolLeakKind::kHeldLong:
      break;
  }
  return "held for long";
}

std::string whose(const PoolLeak& leak) {
  if (!leak.request) {
    return "outside of requests";
  }
  return leak.request->route.empty() ? "of a request without a route"
                                     : endpoint_name(leak.request->method, leak.request->route, leak.request->version);
}

// Connections that were lost at one line by requests of one endpoint; the first has been out longest.
struct LeakGroup {
  const PoolLeak* first = nullptr;
  std::uint64_t connections = 0;
  std::uint64_t live_bytes = 0;
};

std::vector<LeakGroup> group_leaks(const PoolUse& pool) {
  std::vector<LeakGroup> groups;
  std::map<std::tuple<PoolLeakKind, std::string, std::string>, std::size_t> places;
  for (const PoolLeak& leak : pool.leaks) {
    const auto place = places.try_emplace({leak.kind, whose(leak), code_line(leak.stack, "")}, groups.size());
    if (place.second) {
      groups.push_back({&leak, 0, 0});
    }
    LeakGroup& group = groups[place.first->second];
    ++group.connections;
    group.live_bytes += leak.live_bytes;
  }
  return groups;
}

std::string leak_text(const LeakGroup& group, const std::string& common, const TextStyle& style) {
  const PoolLeak& leak = *group.first;
  const bool suspicion = leak.kind == PoolLeakKind::kHeldLong;
  const std::string held = leak.held_seconds ? ", for " + format_duration(*leak.held_seconds) : "";
  const char* colour = suspicion ? "\x1b[33m" : "\x1b[31m";
  std::string label = suspicion ? "SUSPECT" : "LEAK";
  const std::string padding(9 - label.size(), ' ');
  label = style.colour ? colour + label + "\x1b[0m" : label;
  std::string text = fmt::format(
      "{}{}{} {}: {}{}{}, {}\n", label, padding, counted(group.connections, "connection", "connections"),
      words_for(leak.kind), whose(leak), held, group.connections > 1 ? " at most" : "", format_bytes(group.live_bytes));
  if (!leak.stack.places.empty()) {
    text += write_line({"  line", code_line(leak.stack, common)}, style);
  }
  return text + write_line({"  why", pool_leak_reason(leak)}, style);
}

std::string leaks_text_of(const PoolUse& pool, std::size_t limit, const TextStyle& style) {
  std::vector<const analysis::CodeStack*> stacks;
  for (const PoolLeak& leak : pool.leaks) {
    stacks.push_back(&leak.stack);
  }
  const std::string common = common_folder(stacks);
  const std::vector<LeakGroup> groups = group_leaks(pool);
  std::string text;
  for (std::size_t i = 0; i < std::min(groups.size(), limit); ++i) {
    text += leak_text(groups[i], common, style);
  }
  if (groups.size() > limit) {
    std::uint64_t connections = 0;
    for (std::size_t i = limit; i < groups.size(); ++i) {
      connections += groups[i].connections;
    }
    text += fmt::format("({} more, {}: --limit 0)\n", format_count(groups.size() - limit),
                        counted(connections, "connection", "connections"));
  }
  return text;
}

std::string bytes_line(const PoolUse& pool) {
  const analysis::PoolMemory& memory = pool.memory;
  const bool any = memory.per_connection_bytes && memory.per_connection_bytes->max > 0;
  if (!any && memory.live_bytes == 0) {
    return "not known: no connection was seen being made";
  }
  std::string text = format_bytes(memory.live_bytes) + " in all";
  if (memory.per_connection_bytes) {
    text += fmt::format(", {} a connection (most {})", format_bytes(memory.per_connection_bytes->p50),
                        format_bytes(memory.per_connection_bytes->max));
  }
  text += ", allocated while they were made";
  if (!memory.stale_bytes) {
    text += "; stale: too few were used again to say";
  } else {
    const auto stale =
        std::count_if(pool.connections.begin(), pool.connections.end(), [](const auto& c) { return c.stale; });
    text += stale > 0 ? fmt::format("; {} stale, {}", stale, format_bytes(*memory.stale_bytes)) : "; none stale";
  }
  if (memory.closed_kept_bytes > 0) {
    text += fmt::format("; {} left by closed ones", format_bytes(memory.closed_kept_bytes));
  }
  return text;
}

std::string times_line(const std::optional<analysis::RealDistribution>& times) {
  return times ? fmt::format("median {}, 95 % within {}, longest {}", format_duration(times->p50),
                             format_duration(times->p95), format_duration(times->max))
               : "";
}

std::string wait_line(const PoolUse& pool) {
  std::string text = times_line(pool.wait_seconds);
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : "; ") + more; };
  if (pool.timeouts > 0) {
    add(counted(pool.timeouts, "timeout", "timeouts"));
  }
  if (pool.most_waiters.value_or(0) > 0) {
    add(fmt::format("up to {} waiting", format_count(*pool.most_waiters)));
  }
  return text;
}

std::string settings_table(const PoolUse& pool, const TextStyle& style) {
  std::string absent = sizes_withheld_reason(pool);
  if (absent.empty() && pool.needed_checkouts > 0) {
    absent = fmt::format("{}, needs about {} to recommend any", counted(pool.checkouts, "checkout", "checkouts"),
                         format_count(pool.needed_checkouts));
  }
  const std::string line = absent.empty() ? "" : write_line({"sizes", absent}, style);
  if (pool.recommendations.empty()) {
    return line;
  }
  Table table({{"SETTING", Align::kLeft, false, 0},
               right("NOW"),
               right("SUGGESTED"),
               right("SAVES", 1),
               {"LINE", Align::kLeft, true, 0}});
  std::string reasons;
  for (const analysis::PoolRecommendation& made : pool.recommendations) {
    const std::string saves = made.saves_bytes < 0 ? "-" + format_bytes(static_cast<std::uint64_t>(-made.saves_bytes))
                                                   : format_bytes(static_cast<std::uint64_t>(made.saves_bytes));
    table.add_row({made.name, made.current ? setting_text(made.setting, made.current) : "-",
                   setting_text(made.setting, made.suggested), saves, made.config});
    reasons += write_line({"why", made.name + ": " + recommendation_reason(made)}, style);
  }
  return line + table.render(style) + reasons;
}

std::string time_cell(const std::optional<analysis::RealDistribution>& times,
                      double analysis::RealDistribution::*which) {
  return times ? format_duration((*times).*which) : "-";
}

std::uint64_t leaks_of(const PoolUse& pool, const PoolEndpoint& endpoint) {
  return static_cast<std::uint64_t>(std::count_if(pool.leaks.begin(), pool.leaks.end(), [&](const PoolLeak& leak) {
    const analysis::PoolRequest request = leak.request.value_or(analysis::PoolRequest{});
    return leak.kind != PoolLeakKind::kHeldLong && std::tie(request.method, request.route, request.version) ==
                                                       std::tie(endpoint.method, endpoint.route, endpoint.version);
  }));
}

// Those with leaks first, so that none of them is cut off.
std::vector<std::pair<const PoolEndpoint*, std::uint64_t>> endpoints_with_leaks(const PoolUse& pool) {
  std::vector<std::pair<const PoolEndpoint*, std::uint64_t>> endpoints;
  for (const PoolEndpoint& endpoint : pool.endpoints) {
    endpoints.emplace_back(&endpoint, leaks_of(pool, endpoint));
  }
  std::stable_sort(endpoints.begin(), endpoints.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return endpoints;
}

std::string endpoints_table(const PoolUse& pool, std::size_t limit, const TextStyle& style) {
  Table table({{"ENDPOINT", Align::kLeft, true, 0},
               right("CHECKOUTS"),
               right("LEAKS"),
               right("AT ONCE", 3),
               right("WAIT 95 %", 2),
               right("HOLD 50 %", 1),
               right("HOLD 95 %"),
               right("TIMEOUTS", 4)});
  const auto endpoints = endpoints_with_leaks(pool);
  const std::size_t shown = std::min(endpoints.size(), limit);
  for (std::size_t i = 0; i < shown; ++i) {
    const PoolEndpoint& endpoint = *endpoints[i].first;
    using Times = analysis::RealDistribution;
    table.add_row({endpoint.route.empty() ? "outside of requests"
                                          : endpoint_name(endpoint.method, endpoint.route, endpoint.version),
                   format_count(endpoint.checkouts), format_count(endpoints[i].second),
                   format_count(endpoint.most_held), time_cell(endpoint.wait_seconds, &Times::p95),
                   time_cell(endpoint.hold_seconds, &Times::p50), time_cell(endpoint.hold_seconds, &Times::p95),
                   format_count(endpoint.timeouts)});
  }
  std::string text = shown > 0 ? table.render(style) : "";
  if (shown < pool.endpoints.size()) {
    text += fmt::format("({} more: --limit 0)\n", format_count(pool.endpoints.size() - shown));
  }
  return text;
}

std::string pool_text(const PoolUse& pool, std::size_t limit, const TextStyle& style) {
  return headline(pool) + leaks_text_of(pool, limit, style) +
         write_lines({{"bytes", bytes_line(pool)},
                      {"wait", wait_line(pool)},
                      {"hold", times_line(pool.hold_seconds)},
                      {"course", std::string(name_of(pool.trend.pattern)) + ": " + trend_reason(pool.trend)}},
                     style) +
         settings_table(pool, style) + endpoints_table(pool, limit, style);
}

std::string notes(const PoolsResult& result, const TextStyle& style) {
  std::vector<LabelledLine> lines;
  for (const std::string& unmatched : unmatched_lines(result.unmatched)) {
    lines.push_back({"note", unmatched});
  }
  if (result.dropped_events > 0) {
    lines.push_back({"!", counted(result.dropped_events, "event of a pool was", "events of pools were") +
                              " lost: counts and times are without them"});
  }
  if (result.folded_events > 0) {
    lines.push_back({"folded", counted(result.folded_events, "event of a pool", "events of pools") +
                                   " given up for --max-size: counts and times are of those since " +
                                   format_iso_time(result.events_since_unix_us.value_or(0))});
  }
  lines.push_back({"note", how_it_stands(result.recording.state)});
  return write_lines(lines, style);
}

}  // namespace

std::string pools_text(const PoolsResult& result, const TextStyle& style) {
  if (result.pools.empty()) {
    return nothing_recorded(result.unmatched) + notes(result, style);
  }
  const std::size_t asked = result.limit.value_or(analysis::kTextLimit);
  const std::size_t limit = asked == 0 ? SIZE_MAX : asked;
  std::string text;
  for (const PoolUse& pool : result.pools) {
    text += (text.empty() ? "" : "\n") + pool_text(pool, limit, style);
  }
  return text + notes(result, style);
}

}  // namespace heapledger::report
