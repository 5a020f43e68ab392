// RequestIsolator.interference() for Python: read-only values, rendered by the C++ library.
#include "cpython/interference_binding.h"

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
#include "heapledger/request_isolator.h"
#include "report/interference_words.h"

namespace nb = nanobind;
using namespace nb::literals;
using namespace heapledger::analysis;

namespace heapledger::cpython {
namespace {

InterferenceResult analyze_interference(const nb::bytes& path, std::vector<std::string> routes,
                                        std::vector<std::string> methods, std::vector<std::int64_t> workers,
                                        const std::optional<std::string>& since,
                                        const std::optional<std::string>& until, const std::string& warmup,
                                        std::optional<std::size_t> limit) {
  InterferenceOptions options;
  options.routes = std::move(routes);
  options.methods = std::move(methods);
  options.workers = std::move(workers);
  options.since = since ? std::optional(Moment::parse(*since)) : std::nullopt;
  options.until = until ? std::optional(Moment::parse(*until)) : std::nullopt;
  options.warmup_us = parse_duration_us(warmup);
  options.limit = limit;
  const RequestIsolator isolator(path_of(path));
  const nb::gil_scoped_release unlocked;
  return isolator.interference(options);
}

void bind_differences(nb::module_& module) {
  nb::class_<DurationDifference>(module, "DurationDifference")
      .def_ro("ratio", &DurationDifference::ratio)
      .def_prop_ro("interval",
                   [](const DurationDifference& difference) { return std::pair(difference.low, difference.high); })
      .def_ro("beside_seconds", &DurationDifference::beside_seconds)
      .def_ro("apart_seconds", &DurationDifference::apart_seconds)
      .def_ro("shown", &DurationDifference::shown);
  nb::class_<PeakDifference>(module, "PeakDifference")
      .def_ro("bytes", &PeakDifference::bytes)
      .def_prop_ro("interval",
                   [](const PeakDifference& difference) { return std::pair(difference.low, difference.high); })
      .def_ro("beside_bytes", &PeakDifference::beside_bytes)
      .def_ro("apart_bytes", &PeakDifference::apart_bytes)
      .def_ro("shown", &PeakDifference::shown);
}

void bind_moments(nb::module_& module) {
  nb::class_<HolderGroup>(module, "HolderGroup")
      .def_prop_ro("method", text_or_none(&HolderGroup::method))
      .def_prop_ro("route", text_or_none(&HolderGroup::route))
      .def_prop_ro("version", text_or_none(&HolderGroup::version))
      .def_ro("requests", &HolderGroup::requests)
      .def_ro("live_bytes", &HolderGroup::live_bytes);
  nb::class_<SharedMoment>(module, "SharedMoment")
      .def_ro("at_unix_us", &SharedMoment::at_unix_us)
      .def_ro("worker", &SharedMoment::worker)
      .def_ro("live_bytes", &SharedMoment::live_bytes)
      .def_ro("endpoints", &SharedMoment::by_endpoint);
}

std::optional<std::string> reason_of(const EndpointPair& pair) {
  return text_or_none(report::missing_comparison(pair));
}

}  // namespace

void bind_interference(nb::module_& module) {
  bind_differences(module);
  bind_moments(module);
  nb::class_<EndpointPair>(module, "EndpointPair")
      .def_ro("endpoint", &EndpointPair::endpoint)
      .def_ro("beside", &EndpointPair::beside)
      .def_ro("requests", &EndpointPair::requests)
      .def_ro("requests_beside", &EndpointPair::requests_beside)
      .def_ro("highest_together", &EndpointPair::highest_together)
      .def_ro("level_matched", &EndpointPair::level_matched)
      .def_ro("duration", &EndpointPair::duration)
      .def_ro("peak", &EndpointPair::peak)
      .def_prop_ro("reason", &reason_of)
      .def_ro("requests_needed", &EndpointPair::requests_needed);
  nb::class_<InterferenceResult> result(module, "InterferenceResult");
  result.def_ro("recording", &InterferenceResult::recording)
      .def_ro("confidence_ratio", &InterferenceResult::confidence_ratio)
      .def_ro("requests", &InterferenceResult::requests)
      .def_ro("recorded_requests", &InterferenceResult::recorded_requests)
      .def_ro("folded_requests", &InterferenceResult::folded_requests)
      .def_ro("moments", &InterferenceResult::moments)
      .def_ro("highest", &InterferenceResult::highest)
      .def_ro("pairs", &InterferenceResult::pairs)
      .def_ro("pairs_never_beside", &InterferenceResult::pairs_never_beside)
      .def_ro("unmatched", &InterferenceResult::unmatched);
  bind_renderings(result);
  module.def("analyze_interference", &analyze_interference, "path"_a, nb::kw_only(), "routes"_a, "methods"_a,
             "workers"_a, "since"_a.none(), "until"_a.none(), "warmup"_a, "limit"_a.none());
}

}  // namespace heapledger::cpython
