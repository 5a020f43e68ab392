// PoolMonitor for Python: read-only values, rendered by the C++ library.
#include "cpython/pools_binding.h"

#include <Python.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cpython/binding_parts.h"
#include "heapledger/pool_monitor.h"
#include "report/pools_words.h"

namespace nb = nanobind;
using namespace nb::literals;
using namespace heapledger::analysis;

namespace heapledger::cpython {
namespace {

PoolsResult analyze_pools(const nb::bytes& path, std::vector<std::string> pools, std::vector<std::int64_t> workers,
                          std::optional<std::uint64_t> memory_limit, std::optional<std::size_t> limit) {
  PoolsOptions options;
  options.pools = std::move(pools);
  options.workers = std::move(workers);
  options.memory_limit_bytes = memory_limit;
  options.limit = limit;
  const PoolMonitor monitor(path_of(path));
  const nb::gil_scoped_release unlocked;
  return monitor.analyze(options);
}

template <class Row>
auto of_request(std::string PoolRequest::*member) {
  return [member](const Row& row) {
    return row.request ? text_or_none((*row.request).*member) : std::optional<std::string>();
  };
}

void bind_connections(nb::module_& module) {
  nb::class_<PoolRequest>(module, "PoolRequest")
      .def_ro("sequence", &PoolRequest::sequence)
      .def_prop_ro("method", text_or_none(&PoolRequest::method))
      .def_prop_ro("route", text_or_none(&PoolRequest::route))
      .def_prop_ro("version", text_or_none(&PoolRequest::version));
  nb::class_<PoolConnection>(module, "PoolConnection")
      .def_ro("worker", &PoolConnection::worker)
      .def_ro("id", &PoolConnection::id)
      .def_prop_ro("state", [](const PoolConnection& connection) { return name_of(connection.state); })
      .def_ro("age_seconds", &PoolConnection::age_seconds)
      .def_ro("idle_seconds", &PoolConnection::idle_seconds)
      .def_ro("live_bytes", &PoolConnection::live_bytes)
      .def_ro("native_bytes", &PoolConnection::native_bytes)
      .def_ro("stale", &PoolConnection::stale)
      .def_ro("request", &PoolConnection::request);
  nb::class_<PoolLeak>(module, "PoolLeak")
      .def_prop_ro("kind", [](const PoolLeak& leak) { return name_of(leak.kind); })
      .def_ro("worker", &PoolLeak::worker)
      .def_ro("connection", &PoolLeak::connection)
      .def_prop_ro("method", of_request<PoolLeak>(&PoolRequest::method))
      .def_prop_ro("route", of_request<PoolLeak>(&PoolRequest::route))
      .def_prop_ro("version", of_request<PoolLeak>(&PoolRequest::version))
      .def_ro("request", &PoolLeak::request)
      .def_ro("held_seconds", &PoolLeak::held_seconds)
      .def_ro("live_bytes", &PoolLeak::live_bytes)
      .def_prop_ro("reason", [](const PoolLeak& leak) { return report::pool_leak_reason(leak); })
      .def_prop_ro("stack", [](const PoolLeak& leak) { return leak.stack.places; });
}

void bind_parts(nb::module_& module) {
  nb::class_<PoolEndpoint>(module, "PoolEndpoint")
      .def_prop_ro("method", text_or_none(&PoolEndpoint::method))
      .def_prop_ro("route", text_or_none(&PoolEndpoint::route))
      .def_prop_ro("version", text_or_none(&PoolEndpoint::version))
      .def_ro("checkouts", &PoolEndpoint::checkouts)
      .def_ro("timeouts", &PoolEndpoint::timeouts)
      .def_ro("most_held", &PoolEndpoint::most_held)
      .def_ro("wait_seconds", &PoolEndpoint::wait_seconds)
      .def_ro("hold_seconds", &PoolEndpoint::hold_seconds);
  nb::class_<PoolMemory>(module, "PoolMemory")
      .def_ro("live_bytes", &PoolMemory::live_bytes)
      .def_ro("per_connection_bytes", &PoolMemory::per_connection_bytes)
      .def_ro("stale_bytes", &PoolMemory::stale_bytes)
      .def_ro("closed_kept_bytes", &PoolMemory::closed_kept_bytes);
  nb::class_<PoolRecommendation>(module, "PoolRecommendation")
      .def_ro("setting", &PoolRecommendation::name)
      .def_ro("current", &PoolRecommendation::current)
      .def_ro("suggested", &PoolRecommendation::suggested)
      .def_prop_ro("reason", [](const PoolRecommendation& made) { return report::recommendation_reason(made); })
      .def_ro("saves_bytes", &PoolRecommendation::saves_bytes)
      .def_ro("config", &PoolRecommendation::config);
}

void bind_pool(nb::module_& module) {
  nb::class_<PoolUse>(module, "PoolUse")
      .def_ro("name", &PoolUse::name)
      .def_ro("library", &PoolUse::library)
      .def_ro("workers", &PoolUse::workers)
      .def_ro("closed_workers", &PoolUse::closed_workers)
      .def_ro("size", &PoolUse::size)
      .def_ro("in_use", &PoolUse::in_use)
      .def_ro("idle", &PoolUse::idle)
      .def_ro("min_size", &PoolUse::min_size)
      .def_ro("max_size", &PoolUse::max_size)
      .def_ro("timeout_seconds", &PoolUse::timeout_seconds)
      .def_ro("recycle_seconds", &PoolUse::recycle_seconds)
      .def_ro("waiters", &PoolUse::waiters)
      .def_ro("most_in_use", &PoolUse::most_in_use)
      .def_ro("most_waiters", &PoolUse::most_waiters)
      .def_ro("checkouts", &PoolUse::checkouts)
      .def_ro("timeouts", &PoolUse::timeouts)
      .def_ro("created", &PoolUse::created)
      .def_ro("closed", &PoolUse::closed)
      .def_ro("wait_seconds", &PoolUse::wait_seconds)
      .def_ro("hold_seconds", &PoolUse::hold_seconds)
      .def_ro("hold_threshold_seconds", &PoolUse::hold_threshold_seconds)
      .def_ro("memory", &PoolUse::memory)
      .def_prop_ro("pattern", [](const PoolUse& pool) { return name_of(pool.trend.pattern); })
      .def_prop_ro("pattern_reason", [](const PoolUse& pool) { return report::trend_reason(pool.trend); })
      .def_ro("endpoints", &PoolUse::endpoints)
      .def_ro("connections", &PoolUse::connections)
      .def_ro("leaks", &PoolUse::leaks)
      .def_ro("recommendations", &PoolUse::recommendations)
      .def_prop_ro("recommendations_withheld", [](const PoolUse& pool) -> std::optional<std::string> {
        const std::string reason = report::sizes_withheld_reason(pool);
        return reason.empty() ? std::nullopt : std::optional(reason);
      });
}

}  // namespace

void bind_pools(nb::module_& module) {
  bind_connections(module);
  bind_parts(module);
  bind_pool(module);
  auto result = nb::class_<PoolsResult>(module, "PoolsResult")
                    .def_ro("recording", &PoolsResult::recording)
                    .def_ro("memory_limit_bytes", &PoolsResult::memory_limit_bytes)
                    .def_ro("dropped_pool_events", &PoolsResult::dropped_events)
                    .def_ro("folded_pool_events", &PoolsResult::folded_events)
                    .def_ro("pools", &PoolsResult::pools)
                    .def_ro("unmatched", &PoolsResult::unmatched)
                    .def_prop_ro("has_leak", &PoolsResult::has_leak);
  bind_renderings(result);
  module.def("analyze_pools", &analyze_pools, "path"_a, nb::kw_only(), "pools"_a, "workers"_a, "memory_limit"_a.none(),
             "limit"_a.none());
}

}  // namespace heapledger::cpython
