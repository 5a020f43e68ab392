// RequestIsolator.leaks() for Python: read-only values, rendered by the C++ library.
#include "cpython/leaks_binding.h"

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
#include "report/leaks_words.h"

namespace nb = nanobind;
using namespace nb::literals;
using namespace heapledger::analysis;

namespace heapledger::cpython {
namespace {

LeaksResult analyze_leaks(const nb::bytes& path, std::vector<std::string> routes, std::vector<std::string> methods,
                          std::vector<std::int64_t> workers, std::optional<std::uint64_t> memory_limit,
                          std::optional<std::size_t> limit) {
  LeaksOptions options;
  options.routes = std::move(routes);
  options.methods = std::move(methods);
  options.workers = std::move(workers);
  options.memory_limit_bytes = memory_limit;
  options.limit = limit;
  const RequestIsolator isolator(path_of(path));
  const nb::gil_scoped_release unlocked;
  return isolator.leaks(options);
}

void bind_sites(nb::module_& module) {
  nb::class_<CodePlace>(module, "CodePlace")
      .def_ro("function", &CodePlace::function)
      .def_ro("file", &CodePlace::file)
      .def_ro("line", &CodePlace::line);
  nb::class_<LeakSite>(module, "LeakSite")
      .def_prop_ro("stack", [](const LeakSite& site) { return site.stack.places; })
      .def_prop_ro("truncated", [](const LeakSite& site) { return site.stack.truncated; })
      .def_prop_ro("retained_bytes", [](const LeakSite& site) { return site.retained_bytes.bytes; })
      .def_prop_ro("retained_bytes_interval",
                   [](const LeakSite& site) { return std::pair(site.retained_bytes.low, site.retained_bytes.high); })
      .def_ro("retained_blocks", &LeakSite::retained_blocks)
      .def_ro("samples", &LeakSite::samples)
      .def_ro("share_ratio", &LeakSite::share_ratio);
  nb::class_<EndpointId>(module, "EndpointId")
      .def_ro("method", &EndpointId::method)
      .def_ro("route", &EndpointId::route)
      .def_prop_ro("version", [](const EndpointId& id) { return text_or_none(id.version); });
}

void bind_finding(nb::module_& module) {
  nb::class_<LeakFinding>(module, "LeakFinding")
      .def_ro("method", &LeakFinding::method)
      .def_ro("route", &LeakFinding::route)
      .def_prop_ro("version", [](const LeakFinding& finding) { return text_or_none(finding.version); })
      .def_ro("deprecated", &LeakFinding::deprecated)
      .def_prop_ro("verdict", [](const LeakFinding& finding) { return name_of(finding.verdict); })
      .def_ro("bytes_per_request", &LeakFinding::bytes_per_request)
      .def_prop_ro("bytes_per_request_interval",
                   [](const LeakFinding& finding) {
                     const auto& rate = finding.bytes_per_request_interval;
                     return rate ? std::optional(std::pair(rate->low, rate->high)) : std::nullopt;
                   })
      .def_ro("retained_bytes", &LeakFinding::retained_bytes)
      .def_ro("requests", &LeakFinding::requests)
      .def_ro("requests_to_limit", &LeakFinding::requests_to_limit)
      .def_ro("seconds_to_limit", &LeakFinding::seconds_to_limit)
      .def_ro("smallest_leak_bytes", &LeakFinding::smallest_leak_bytes)
      .def_prop_ro("reason", [](const LeakFinding& finding) { return report::leak_reason(finding); })
      .def_ro("sites", &LeakFinding::sites)
      .def_ro("shared_with", &LeakFinding::shared_with);
}

}  // namespace

void bind_leaks(nb::module_& module) {
  bind_sites(module);
  bind_finding(module);
  nb::class_<LeaksResult> result(module, "LeaksResult");
  result.def_ro("recording", &LeaksResult::recording)
      .def_ro("confidence_ratio", &LeaksResult::confidence_ratio)
      .def_ro("findings", &LeaksResult::findings)
      .def_ro("memory_limit_bytes", &LeaksResult::memory_limit_bytes)
      .def_ro("rss_bytes", &LeaksResult::rss_bytes)
      .def_ro("seconds_to_limit", &LeaksResult::seconds_to_limit)
      .def_ro("smallest_leak_bytes", &LeaksResult::smallest_leak_bytes)
      .def_ro("lost_samples", &LeaksResult::lost_samples)
      .def_ro("lost_survivor_bytes", &LeaksResult::lost_survivor_bytes)
      .def_ro("unmatched", &LeaksResult::unmatched)
      .def_prop_ro("has_leak", &LeaksResult::has_leak);
  bind_renderings(result);
  module.def("analyze_leaks", &analyze_leaks, "path"_a, nb::kw_only(), "routes"_a, "methods"_a, "workers"_a,
             "memory_limit"_a.none(), "limit"_a.none());
}

}  // namespace heapledger::cpython
