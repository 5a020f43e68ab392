// VersionComparator for Python: read-only values, rendered by the C++ library.
#include "cpython/versions_binding.h"

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
#include <vector>

#include "cpython/binding_parts.h"
#include "heapledger/version_comparator.h"
#include "report/versions_words.h"

namespace nb = nanobind;
using namespace nb::literals;
using namespace heapledger::analysis;

namespace heapledger::cpython {
namespace {

using Bounds = std::pair<double, double>;

VersionsResult analyze_versions(const nb::bytes& path, const std::optional<nb::bytes>& other,
                                std::vector<std::string> routes, std::vector<std::string> methods,
                                std::vector<std::int64_t> workers, const std::optional<std::string>& since,
                                const std::optional<std::string>& until, const std::string& warmup,
                                std::optional<std::uint64_t> memory_limit, std::optional<std::size_t> limit,
                                bool report) {
  VersionsOptions options;
  options.routes = std::move(routes);
  options.methods = std::move(methods);
  options.workers = std::move(workers);
  options.since = since ? std::optional(Moment::parse(*since)) : std::nullopt;
  options.until = until ? std::optional(Moment::parse(*until)) : std::nullopt;
  options.warmup_us = parse_duration_us(warmup);
  options.memory_limit_bytes = memory_limit;
  options.limit = limit;
  options.report = report;
  const VersionComparator comparator(path_of(path), other ? std::optional(path_of(*other)) : std::nullopt);
  const nb::gil_scoped_release unlocked;
  return comparator.analyze(options);
}

auto bounds(std::optional<VersionInterval> VersionMetric::*member) {
  return [member](const VersionMetric& metric) {
    const auto& interval = metric.*member;
    return interval ? std::optional(Bounds(interval->low, interval->high)) : std::nullopt;
  };
}

Bounds bounds_of(const EstimatedBytes& bytes) {
  return {static_cast<double>(bytes.low), static_cast<double>(bytes.high)};
}

void bind_metric(nb::module_& module) {
  nb::class_<VersionMetric>(module, "VersionMetric")
      .def_ro("name", &VersionMetric::name)
      .def_ro("from_", &VersionMetric::from)
      .def_ro("to", &VersionMetric::to)
      .def_prop_ro("from_interval", bounds(&VersionMetric::from_interval))
      .def_prop_ro("to_interval", bounds(&VersionMetric::to_interval))
      .def_ro("from_p99", &VersionMetric::from_p99)
      .def_ro("to_p99", &VersionMetric::to_p99)
      .def_ro("ratio", &VersionMetric::ratio)
      .def_prop_ro("interval", bounds(&VersionMetric::interval))
      .def_ro("plain_ratio", &VersionMetric::plain_ratio)
      .def_ro("p_value", &VersionMetric::p_value)
      .def_ro("q_value", &VersionMetric::q_value)
      .def_prop_ro("verdict", [](const VersionMetric& metric) { return name_of(metric.verdict); })
      .def_prop_ro("reason", [](const VersionMetric& metric) { return report::metric_reason(metric); })
      .def_ro("requests_needed", &VersionMetric::requests_needed);
  nb::class_<PayloadMatch>(module, "PayloadMatch")
      .def_prop_ro("by", text_or_none(&PayloadMatch::by))
      .def_ro("strata", &PayloadMatch::strata)
      .def_prop_ro("requests",
                   [](const PayloadMatch& match) { return std::pair(match.from_requests, match.to_requests); })
      .def_ro("peak_bytes_per_payload_byte", &PayloadMatch::peak_bytes_per_payload_byte);
  nb::class_<VersionSite>(module, "VersionSite")
      .def_prop_ro("stack", [](const VersionSite& site) { return site.stack.places; })
      .def_prop_ro("from_bytes", [](const VersionSite& site) { return site.from_bytes.bytes; })
      .def_prop_ro("from_bytes_interval", [](const VersionSite& site) { return bounds_of(site.from_bytes); })
      .def_prop_ro("to_bytes", [](const VersionSite& site) { return site.to_bytes.bytes; })
      .def_prop_ro("to_bytes_interval", [](const VersionSite& site) { return bounds_of(site.to_bytes); });
}

void bind_pair(nb::module_& module) {
  nb::class_<VersionPair>(module, "VersionPair")
      .def_ro("method", &VersionPair::method)
      .def_ro("route", &VersionPair::route)
      .def_prop_ro("from_", text_or_none(&VersionPair::from))
      .def_prop_ro("to", text_or_none(&VersionPair::to))
      .def_ro("from_route", &VersionPair::from_route)
      .def_ro("to_route", &VersionPair::to_route)
      .def_prop_ro("requests", [](const VersionPair& pair) { return std::pair(pair.from_requests, pair.to_requests); })
      .def_prop_ro("errors", [](const VersionPair& pair) { return std::pair(pair.from_errors, pair.to_errors); })
      .def_prop_ro("left_out", [](const VersionPair& pair) { return std::pair(pair.from_left_out, pair.to_left_out); })
      .def_prop_ro("blocks", [](const VersionPair& pair) { return std::pair(pair.from_blocks, pair.to_blocks); })
      .def_ro("metrics", &VersionPair::metrics)
      .def_ro("payload_matched", &VersionPair::payload_matched)
      .def_prop_ro("verdict", [](const VersionPair& pair) { return name_of(pair.verdict); })
      .def_prop_ro("reason", [](const VersionPair& pair) { return report::pair_reason(pair); })
      .def_ro("requests_needed", &VersionPair::requests_needed)
      .def_prop_ro("risk_per_day",
                   [](const VersionPair& pair) {
                     const auto& risk = pair.risk;
                     return risk ? std::optional(Bounds(risk->now_per_day, risk->migrated_per_day)) : std::nullopt;
                   })
      .def_ro("sites", &VersionPair::sites);
}

void bind_endpoints(nb::module_& module) {
  nb::class_<VersionEndpoint>(module, "VersionEndpoint")
      .def_ro("id", &VersionEndpoint::id)
      .def_ro("requests", &VersionEndpoint::requests);
  nb::class_<DeprecatedEndpoint>(module, "DeprecatedEndpoint")
      .def_ro("id", &DeprecatedEndpoint::id)
      .def_ro("requests", &DeprecatedEndpoint::requests)
      .def_ro("requests_ratio", &DeprecatedEndpoint::requests_ratio)
      .def_ro("route_requests_ratio", &DeprecatedEndpoint::route_requests_ratio)
      .def_ro("byte_seconds_ratio", &DeprecatedEndpoint::byte_seconds_ratio)
      .def_ro("requests_per_second", &DeprecatedEndpoint::requests_per_second)
      .def_ro("last_request_unix_us", &DeprecatedEndpoint::last_request_unix_us)
      .def_ro("mean_live_bytes", &DeprecatedEndpoint::mean_live_bytes)
      .def_ro("retained_bytes", &DeprecatedEndpoint::retained_bytes)
      .def_prop_ro("replaced_by", text_or_none(&DeprecatedEndpoint::replaced_by))
      .def_prop_ro("deprecation", text_or_none(&DeprecatedEndpoint::deprecation))
      .def_prop_ro("sunset", text_or_none(&DeprecatedEndpoint::sunset));
  nb::class_<CompatibilityCost>(module, "CompatibilityCost")
      .def_ro("name", &CompatibilityCost::name)
      .def_ro("endpoint", &CompatibilityCost::endpoint)
      .def_ro("calls", &CompatibilityCost::calls)
      .def_ro("allocated_bytes", &CompatibilityCost::allocated_bytes)
      .def_ro("peak_bytes", &CompatibilityCost::peak_bytes)
      .def_ro("duration_seconds", &CompatibilityCost::duration_seconds)
      .def_ro("allocated_ratio", &CompatibilityCost::allocated_ratio);
}

void bind_migration(nb::module_& module) {
  nb::class_<MigrationStep>(module, "MigrationStep")
      .def_prop_ro("action", [](const MigrationStep& step) { return name_of(step.action); })
      .def_ro("method", &MigrationStep::method)
      .def_ro("route", &MigrationStep::route)
      .def_prop_ro("from_", text_or_none(&MigrationStep::from))
      .def_prop_ro("to", text_or_none(&MigrationStep::to))
      .def_ro("requests_per_second", &MigrationStep::requests_per_second)
      .def_ro("mean_live_bytes_change", &MigrationStep::mean_live_bytes_change);
  nb::class_<MigrationCapacity>(module, "MigrationCapacity")
      .def_ro("migrated_ratio", &MigrationCapacity::migrated_ratio)
      .def_ro("mean_live_bytes", &MigrationCapacity::mean_live_bytes)
      .def_prop_ro("mean_live_bytes_interval",
                   [](const MigrationCapacity& point) { return Bounds(point.interval.low, point.interval.high); });
}

void bind_result(nb::module_& module) {
  nb::class_<VersionsResult> result(module, "VersionsResult");
  result.def_ro("recording", &VersionsResult::recording)
      .def_ro("other", &VersionsResult::other)
      .def_ro("confidence_ratio", &VersionsResult::confidence_ratio)
      .def_ro("margin_ratio", &VersionsResult::margin_ratio)
      .def_ro("finding_ratio", &VersionsResult::finding_ratio)
      .def_ro("requests", &VersionsResult::requests)
      .def_ro("requests_folded", &VersionsResult::requests_folded)
      .def_ro("versions", &VersionsResult::versions)
      .def_ro("pairs", &VersionsResult::pairs)
      .def_ro("added", &VersionsResult::added)
      .def_ro("removed", &VersionsResult::removed)
      .def_ro("deprecated", &VersionsResult::deprecated)
      .def_ro("compatibility", &VersionsResult::compatibility)
      .def_ro("compatibility_calls_dropped", &VersionsResult::compatibility_calls_dropped)
      .def_ro("versions_altered", &VersionsResult::versions_altered)
      .def_prop_ro("risk_per_day",
                   [](const VersionsResult& it) {
                     const auto& risk = it.risk;
                     return risk ? std::optional(Bounds(risk->now_per_day, risk->migrated_per_day)) : std::nullopt;
                   })
      .def_ro("steps", &VersionsResult::steps)
      .def_ro("capacity", &VersionsResult::capacity)
      .def_ro("unmatched", &VersionsResult::unmatched)
      .def_prop_ro("has_regression", &VersionsResult::has_regression);
  bind_renderings(result);
}

}  // namespace

void bind_versions(nb::module_& module) {
  bind_metric(module);
  bind_pair(module);
  bind_endpoints(module);
  bind_migration(module);
  bind_result(module);
  module.def("analyze_versions", &analyze_versions, "path"_a, nb::kw_only(), "other"_a.none(), "routes"_a, "methods"_a,
             "workers"_a, "since"_a.none(), "until"_a.none(), "warmup"_a, "memory_limit"_a.none(), "limit"_a.none(),
             "report"_a);
}

}  // namespace heapledger::cpython
