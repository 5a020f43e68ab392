#include "report/pools_json.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include "report/leaks_json.h"
#include "report/pools_words.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::PoolUse;

Json times(const std::optional<analysis::RealDistribution>& distribution) {
  return distribution ? real_distribution(*distribution) : Json(nullptr);
}

// Connections and seconds are whole as a rule, and are then written so.
Json number_of(double value) {
  const bool whole = value == std::floor(value) && std::abs(value) < 1e15;
  return whole ? Json(static_cast<std::int64_t>(value)) : Json(value);
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json request_of(const std::optional<analysis::PoolRequest>& request) {
  if (!request) {
    return nullptr;
  }
  return {{"sequence", request->sequence},
          {"method", text_or_null(request->method)},
          {"route", text_or_null(request->route)},
          {"version", version_or_null(request->version)}};
}

Json memory_of(const analysis::PoolMemory& memory) {
  return {{"live_bytes", memory.live_bytes},
          {"per_connection_bytes",
           memory.per_connection_bytes ? size_distribution(*memory.per_connection_bytes) : Json(nullptr)},
          {"stale_bytes", value_or_null(memory.stale_bytes)},
          {"closed_kept_bytes", memory.closed_kept_bytes}};
}

Json endpoint_row(const analysis::PoolEndpoint& endpoint) {
  return {{"method", text_or_null(endpoint.method)},
          {"route", text_or_null(endpoint.route)},
          {"version", version_or_null(endpoint.version)},
          {"checkouts", endpoint.checkouts},
          {"timeouts", endpoint.timeouts},
          {"most_held", endpoint.most_held},
          {"wait_seconds", times(endpoint.wait_seconds)},
          {"hold_seconds", times(endpoint.hold_seconds)}};
}

Json connection_row(const analysis::PoolConnection& connection) {
  return {{"worker", connection.worker},
          {"id", connection.id},
          {"state", name_of(connection.state)},
          {"age_seconds", connection.age_seconds},
          {"idle_seconds", value_or_null(connection.idle_seconds)},
          {"live_bytes", connection.live_bytes},
          {"native_bytes", value_or_null(connection.native_bytes)},
          {"stale", connection.stale},
          {"request", request_of(connection.request)}};
}

Json leak_row(const analysis::PoolLeak& leak) {
  const analysis::PoolRequest request = leak.request.value_or(analysis::PoolRequest{});
  return {{"kind", name_of(leak.kind)},
          {"worker", leak.worker},
          {"connection", leak.connection},
          {"method", text_or_null(request.method)},
          {"route", text_or_null(request.route)},
          {"version", version_or_null(request.version)},
          {"request", leak.request ? Json(request.sequence) : Json(nullptr)},
          {"held_seconds", value_or_null(leak.held_seconds)},
          {"live_bytes", leak.live_bytes},
          {"reason", pool_leak_reason(leak)},
          {"stack", stack_list(leak.stack)}};
}

Json recommendation_row(const analysis::PoolRecommendation& made) {
  return {{"setting", made.name},
          {"current", made.current ? number_of(*made.current) : Json(nullptr)},
          {"suggested", number_of(made.suggested)},
          {"reason", recommendation_reason(made)},
          {"saves_bytes", made.saves_bytes},
          {"config", made.config}};
}

template <class Rows, class Make>
Json list_of(const Rows& rows, Make make) {
  Json list = Json::array();
  for (const auto& row : rows) {
    list.push_back(make(row));
  }
  return list;
}

}  // namespace

Json pool_figures(const PoolUse& pool) {
  return {{"name", pool.name},
          {"library", pool.library},
          {"workers", pool.workers},
          {"closed_workers", pool.closed_workers},
          {"size", pool.size},
          {"in_use", pool.in_use},
          {"idle", pool.idle},
          {"min_size", value_or_null(pool.min_size)},
          {"max_size", value_or_null(pool.max_size)},
          {"timeout_seconds", value_or_null(pool.timeout_seconds)},
          {"recycle_seconds", value_or_null(pool.recycle_seconds)},
          {"waiters", value_or_null(pool.waiters)},
          {"most_in_use", pool.most_in_use},
          {"most_waiters", value_or_null(pool.most_waiters)},
          {"checkouts", pool.checkouts},
          {"timeouts", pool.timeouts},
          {"created", pool.created},
          {"closed", pool.closed},
          {"wait_seconds", times(pool.wait_seconds)},
          {"hold_seconds", times(pool.hold_seconds)},
          {"hold_threshold_seconds", value_or_null(pool.hold_threshold_seconds)},
          {"memory", memory_of(pool.memory)},
          {"pattern", name_of(pool.trend.pattern)},
          {"pattern_reason", trend_reason(pool.trend)}};
}

Json pools_document(const analysis::PoolsResult& result) {
  Json document = open_document("pools", result.recording);
  document["recording_state"] = name_of(result.recording.state);
  document["memory_limit_bytes"] = value_or_null(result.memory_limit_bytes);
  document["dropped_pool_events"] = result.dropped_events;
  document["folded_pool_events"] = result.folded_events;
  document["pool_events_since"] =
      result.events_since_unix_us ? Json(format_iso_time(*result.events_since_unix_us)) : Json(nullptr);
  document["pools"] = Json::array();
  for (const PoolUse& pool : result.pools) {
    Json row = pool_figures(pool);
    row["endpoints"] = list_of(pool.endpoints, endpoint_row);
    row["connections"] = list_of(pool.connections, connection_row);
    row["leaks"] = list_of(pool.leaks, leak_row);
    row["recommendations"] = list_of(pool.recommendations, recommendation_row);
    row["recommendations_withheld"] = text_or_null(sizes_withheld_reason(pool));
    row["recommendations_need_checkouts"] = pool.needed_checkouts > 0 ? Json(pool.needed_checkouts) : Json(nullptr);
    document["pools"].push_back(std::move(row));
  }
  document["unmatched"] = list_of(result.unmatched, [](const analysis::UnmatchedOption& option) -> Json {
    return {{"option", option.option}, {"value", option.value}, {"nearest", text_or_null(option.nearest)}};
  });
  return document;
}

}  // namespace heapledger::report
