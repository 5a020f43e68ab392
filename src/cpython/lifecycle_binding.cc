// RequestIsolator.lifecycle() for Python: read-only values, rendered by the C++ library.
#include "cpython/lifecycle_binding.h"

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
#include "heapledger/request_isolator.h"
#include "report/lifecycle_words.h"

namespace nb = nanobind;
using namespace nb::literals;
using namespace heapledger::analysis;

namespace heapledger::cpython {
namespace {

LifecycleResult analyze_lifecycle(const nb::bytes& path, std::string route, std::vector<std::string> methods,
                                  std::vector<std::int64_t> workers, const std::optional<std::string>& since,
                                  const std::optional<std::string>& until, const std::string& warmup,
                                  std::optional<std::size_t> slowest, std::optional<std::size_t> largest) {
  LifecycleOptions options;
  options.route = std::move(route);
  options.methods = std::move(methods);
  options.workers = std::move(workers);
  options.since = since ? std::optional(Moment::parse(*since)) : std::nullopt;
  options.until = until ? std::optional(Moment::parse(*until)) : std::nullopt;
  options.warmup_us = parse_duration_us(warmup);
  options.slowest = slowest;
  options.largest = largest;
  const RequestIsolator isolator(path_of(path));
  const nb::gil_scoped_release unlocked;
  return isolator.lifecycle(options);
}

void bind_parts(nb::module_& module) {
  nb::class_<LifecyclePart>(module, "LifecyclePart")
      .def_ro("from_ratio", &LifecyclePart::from_ratio)
      .def_ro("until_ratio", &LifecyclePart::until_ratio)
      .def_ro("mean_bytes", &LifecyclePart::mean_bytes)
      .def_ro("p50_bytes", &LifecyclePart::p50_bytes)
      .def_ro("p90_bytes", &LifecyclePart::p90_bytes)
      .def_ro("peak_ratio", &LifecyclePart::peak_ratio)
      .def_ro("released_ratio", &LifecyclePart::released_ratio);
  nb::class_<LifecyclePhase>(module, "LifecyclePhase")
      .def_ro("phase", &LifecyclePhase::name)
      .def_ro("requests", &LifecyclePhase::requests)
      .def_ro("duration_seconds", &LifecyclePhase::duration_seconds)
      .def_ro("allocated_bytes", &LifecyclePhase::allocated_bytes)
      .def_ro("peak_bytes", &LifecyclePhase::peak_bytes);
  nb::class_<SurvivalAge>(module, "SurvivalAge")
      .def_ro("until_seconds", &SurvivalAge::until_seconds)
      .def_ro("freed_bytes", &SurvivalAge::freed_bytes)
      .def_ro("left_bytes", &SurvivalAge::left_bytes)
      .def_ro("left_ratio", &SurvivalAge::left_ratio);
  nb::class_<Survival>(module, "Survival")
      .def_ro("escaped_bytes", &Survival::escaped_bytes)
      .def_ro("freed_bytes", &Survival::freed_bytes)
      .def_ro("retained_bytes", &Survival::retained_bytes)
      .def_ro("ages", &Survival::ages);
}

void bind_named(nb::module_& module) {
  nb::class_<LifecycleRequest>(module, "LifecycleRequest")
      .def_ro("worker", &LifecycleRequest::worker)
      .def_ro("sequence", &LifecycleRequest::sequence)
      .def_ro("started_unix_us", &LifecycleRequest::started_unix_us)
      .def_ro("duration_seconds", &LifecycleRequest::duration_seconds)
      .def_ro("status", &LifecycleRequest::status)
      .def_ro("in_flight_at_start", &LifecycleRequest::in_flight_at_start)
      .def_ro("in_flight_peak", &LifecycleRequest::in_flight_peak)
      .def_ro("allocated_bytes", &LifecycleRequest::allocated_bytes)
      .def_ro("peak_bytes", &LifecycleRequest::peak_bytes)
      .def_ro("peak_at_ratio", &LifecycleRequest::peak_at_ratio)
      .def_ro("escaped_bytes", &LifecycleRequest::escaped_bytes)
      .def_ro("after_response_bytes", &LifecycleRequest::after_response_bytes)
      .def_ro("live_bytes", &LifecycleRequest::live_bytes);
}

void bind_endpoint(nb::module_& module) {
  nb::class_<EndpointLifecycle>(module, "EndpointLifecycle")
      .def_ro("endpoint", &EndpointLifecycle::endpoint)
      .def_ro("deprecated", &EndpointLifecycle::deprecated)
      .def_ro("requests", &EndpointLifecycle::requests)
      .def_ro("requests_without_curve", &EndpointLifecycle::requests_without_curve)
      .def_ro("duration_seconds", &EndpointLifecycle::duration_seconds)
      .def_ro("peak_bytes", &EndpointLifecycle::peak_bytes)
      .def_ro("peak_at_ratio", &EndpointLifecycle::peak_at_ratio)
      .def_ro("series", &EndpointLifecycle::parts)
      .def_prop_ro("series_reason",
                   [](const EndpointLifecycle& endpoint) { return text_or_none(report::missing_series(endpoint)); })
      .def_ro("phases", &EndpointLifecycle::phases)
      .def_prop_ro("phases_reason",
                   [](const EndpointLifecycle& endpoint) { return text_or_none(report::missing_phases(endpoint)); })
      .def_ro("released_at_end_ratio", &EndpointLifecycle::released_at_end_ratio)
      .def_ro("escaped_bytes", &EndpointLifecycle::escaped_bytes)
      .def_ro("after_response_bytes", &EndpointLifecycle::after_response_bytes)
      .def_ro("survival", &EndpointLifecycle::survival)
      .def_prop_ro("survival_reason",
                   [](const EndpointLifecycle& endpoint) { return text_or_none(report::missing_survival(endpoint)); })
      .def_ro("named", &EndpointLifecycle::named);
}

}  // namespace

void bind_lifecycle(nb::module_& module) {
  bind_parts(module);
  bind_named(module);
  bind_endpoint(module);
  nb::class_<LifecycleResult> result(module, "LifecycleResult");
  result.def_ro("recording", &LifecycleResult::recording)
      .def_ro("route", &LifecycleResult::route)
      .def_prop_ro("named_by", text_or_none(&LifecycleResult::named_by))
      .def_ro("recorded_requests", &LifecycleResult::recorded_requests)
      .def_ro("folded_requests", &LifecycleResult::folded_requests)
      .def_ro("endpoints", &LifecycleResult::endpoints)
      .def_ro("unmatched", &LifecycleResult::unmatched);
  bind_renderings(result);
  module.def("analyze_lifecycle", &analyze_lifecycle, "path"_a, nb::kw_only(), "route"_a, "methods"_a, "workers"_a,
             "since"_a.none(), "until"_a.none(), "warmup"_a, "slowest"_a.none(), "largest"_a.none());
}

}  // namespace heapledger::cpython
