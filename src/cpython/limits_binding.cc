// RateLimiter.analyze() for Python: read-only values, rendered by the C++ library.
#include "cpython/limits_binding.h"

#include <Python.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "cpython/binding_parts.h"
#include "heapledger/rate_limiter.h"
#include "report/limits_words.h"

namespace nb = nanobind;
using namespace nb::literals;
using namespace heapledger::analysis;

namespace heapledger::cpython {
namespace {

LimitsResult analyze_limits(const nb::bytes& path, const std::optional<std::string>& since,
                            const std::optional<std::string>& until, const std::string& warmup,
                            std::optional<std::uint64_t> memory_limit, const std::string& risk,
                            std::optional<std::size_t> limit, std::vector<std::string> routes,
                            std::vector<std::string> methods) {
  LimitsOptions options;
  options.routes = std::move(routes);
  options.methods = std::move(methods);
  options.since = since ? std::optional(Moment::parse(*since)) : std::nullopt;
  options.until = until ? std::optional(Moment::parse(*until)) : std::nullopt;
  options.warmup_us = parse_duration_us(warmup);
  options.memory_limit_bytes = memory_limit;
  options.risk_us = parse_duration_us(risk);
  options.limit = limit;
  const RateLimiter limiter(path_of(path));
  const nb::gil_scoped_release unlocked;
  return limiter.analyze(options);
}

// method, route and version of a row's endpoint.
template <class Row>
nb::class_<Row> bind_row(nb::module_& module, const char* name) {
  nb::class_<Row> row(module, name);
  row.def_prop_ro("method", [](const Row& it) { return it.endpoint.method; })
      .def_prop_ro("route", [](const Row& it) { return it.endpoint.route; })
      .def_prop_ro("version", [](const Row& it) { return text_or_none(it.endpoint.version); });
  return row;
}

void bind_costs(nb::module_& module) {
  nb::class_<MemoryBudget>(module, "MemoryBudget")
      .def_ro("limit_bytes", &MemoryBudget::limit_bytes)
      .def_prop_ro("source", text_or_none(&MemoryBudget::source))
      .def_ro("baseline_bytes", &MemoryBudget::baseline_bytes)
      .def_ro("overhead_ratio", &MemoryBudget::overhead_ratio)
      .def_ro("overhead_measured", &MemoryBudget::overhead_measured)
      .def_ro("headroom_bytes", &MemoryBudget::headroom_bytes)
      .def_ro("processes", &MemoryBudget::processes);
  bind_row<RequestTypeCost>(module, "RequestTypeCost")
      .def_ro("requests", &RequestTypeCost::requests)
      .def_ro("requests_per_second", &RequestTypeCost::requests_per_second)
      .def_ro("byte_seconds", &RequestTypeCost::byte_seconds)
      .def_ro("effective_bytes", &RequestTypeCost::effective_bytes)
      .def_ro("p99_peak_bytes", &RequestTypeCost::p99_peak_bytes)
      .def_ro("tail_index", &RequestTypeCost::tail_index)
      .def_ro("tail_index_error", &RequestTypeCost::tail_index_error)
      .def_ro("tokens", &RequestTypeCost::tokens)
      .def_prop_ro("reason", text_or_none(&RequestTypeCost::reason));
}

void bind_limit_rows(nb::module_& module) {
  bind_row<EndpointLimit>(module, "EndpointLimit")
      .def_ro("requests_per_second_now", &EndpointLimit::requests_per_second_now)
      .def_ro("requests_per_second", &EndpointLimit::requests_per_second)
      .def_ro("burst", &EndpointLimit::burst)
      .def_ro("concurrency", &EndpointLimit::concurrency)
      .def_ro("max_body_bytes", &EndpointLimit::max_body_bytes)
      .def_ro("largest_body_bytes", &EndpointLimit::largest_body_bytes)
      .def_prop_ro("reason", text_or_none(&EndpointLimit::reason));
  nb::class_<MemoryLimits>(module, "MemoryLimits")
      .def_ro("concurrency", &MemoryLimits::concurrency)
      .def_ro("requests_per_second", &MemoryLimits::requests_per_second)
      .def_ro("tokens_per_second", &MemoryLimits::tokens_per_second)
      .def_ro("token_capacity", &MemoryLimits::token_capacity)
      .def_ro("token_byte_seconds", &MemoryLimits::token_byte_seconds)
      .def_ro("endpoints", &MemoryLimits::endpoints)
      .def_ro("worker_count", &MemoryLimits::worker_count)
      .def_ro("worker_count_now", &MemoryLimits::workers_now)
      .def_prop_ro("concurrency_reason", text_or_none(&MemoryLimits::concurrency_reason))
      .def_ro("worker_count_headroom_bytes", &MemoryLimits::worker_headroom_bytes)
      .def_ro("worker_count_concurrency", &MemoryLimits::worker_concurrency)
      .def_prop_ro("worker_count_reason", text_or_none(&MemoryLimits::worker_reason))
      .def_ro("max_requests", &MemoryLimits::max_requests)
      .def_ro("leak_bytes_per_request", &MemoryLimits::leak_bytes_per_request);
}

void bind_forecasts(nb::module_& module) {
  nb::class_<ExhaustionScenario>(module, "ExhaustionScenario")
      .def_ro("scenario", &ExhaustionScenario::scenario)
      .def_ro("exceedances_per_day", &ExhaustionScenario::exceedances_per_day)
      .def_prop_ro("exceedances_per_day_interval",
                   [](const ExhaustionScenario& row) {
                     const auto& interval = row.exceedances_per_day_interval;
                     return interval ? std::optional(std::pair(interval->low, interval->high)) : std::nullopt;
                   })
      .def_ro("time_over_ratio", &ExhaustionScenario::time_over_ratio)
      .def_prop_ro("method", [](const ExhaustionScenario& row) { return name_of(row.method); })
      .def_ro("seconds_to_exhaustion", &ExhaustionScenario::seconds_to_exhaustion)
      .def_ro("first", &ExhaustionScenario::first)
      .def_ro("largest_peak_bytes", &ExhaustionScenario::largest_peak_bytes)
      .def_ro("needed_peak_bytes", &ExhaustionScenario::needed_peak_bytes)
      .def_ro("recorded_exceedances_per_day", &ExhaustionScenario::recorded_per_day);
  bind_row<BurstRoom>(module, "BurstRoom")
      .def_ro("requests_from_idle", &BurstRoom::from_idle)
      .def_ro("requests_from_now", &BurstRoom::from_now)
      .def_ro("held_seconds", &BurstRoom::held_seconds)
      .def_ro("recovery_seconds", &BurstRoom::recovery_seconds);
  nb::class_<StrategyOutcome>(module, "StrategyOutcome")
      .def_prop_ro("strategy", [](const StrategyOutcome& row) { return name_of(row.strategy); })
      .def_ro("load_ratio", &StrategyOutcome::load_ratio)
      .def_ro("exceedances", &StrategyOutcome::exceedances)
      .def_ro("time_over_ratio", &StrategyOutcome::time_over_ratio)
      .def_ro("goodput_per_second", &StrategyOutcome::goodput_per_second)
      .def_ro("rejected", &StrategyOutcome::rejected)
      .def_ro("rejected_ratio", &StrategyOutcome::rejected_ratio)
      .def_ro("wait_p99_seconds", &StrategyOutcome::wait_p99_seconds)
      .def_ro("recommended", &StrategyOutcome::recommended);
}

}  // namespace

void bind_limits(nb::module_& module) {
  bind_costs(module);
  bind_limit_rows(module);
  bind_forecasts(module);
  nb::class_<LimitsResult> result(module, "LimitsResult");
  result.def_ro("recording", &LimitsResult::recording)
      .def_ro("confidence_ratio", &LimitsResult::confidence_ratio)
      .def_ro("risk_seconds", &LimitsResult::risk_seconds)
      .def_prop_ro("over_risk", &LimitsResult::over_risk)
      .def_prop_ro("reason", [](const LimitsResult& it) { return text_or_none(report::missing_words(it)); })
      .def_ro("requests", &LimitsResult::requests)
      .def_ro("traffic_seconds", &LimitsResult::traffic_seconds)
      .def_ro("requests_without_curve", &LimitsResult::requests_without_curve)
      .def_ro("folded_requests", &LimitsResult::folded_requests)
      .def_ro("folded_requests_left_out", &LimitsResult::folded_requests_left_out)
      .def_ro("budget", &LimitsResult::budget)
      .def_ro("costs", &LimitsResult::costs)
      .def_ro("limits", &LimitsResult::limits)
      .def_ro("exhaustion", &LimitsResult::exhaustion)
      .def_ro("burst", &LimitsResult::burst)
      .def_ro("strategies", &LimitsResult::strategies)
      .def_ro("replayed_requests", &LimitsResult::replayed_requests)
      .def_ro("unmatched", &LimitsResult::unmatched)
      .def(
          "emit", [](const LimitsResult& it, const std::string& target) { return it.emit(parse_emit_target(target)); },
          "target"_a);
  bind_renderings(result);
  module.def("analyze_limits", &analyze_limits, "path"_a, nb::kw_only(), "since"_a.none(), "until"_a.none(), "warmup"_a,
             "memory_limit"_a.none(), "risk"_a, "limit"_a.none(), "routes"_a, "methods"_a);
}

}  // namespace heapledger::cpython
