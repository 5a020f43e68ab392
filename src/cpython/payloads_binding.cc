// PayloadAnalyzer for Python: read-only values, rendered by the C++ library.
#include "cpython/payloads_binding.h"

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
#include "heapledger/payload_analyzer.h"
#include "report/payloads_words.h"

namespace nb = nanobind;
using namespace nb::literals;
using namespace heapledger::analysis;

namespace heapledger::cpython {
namespace {

std::optional<std::pair<double, double>> pair_of(const std::optional<RatioInterval>& interval) {
  return interval ? std::optional(std::pair(interval->low, interval->high)) : std::nullopt;
}

PayloadsResult analyze_payloads(const nb::bytes& path, std::vector<std::string> routes,
                                std::vector<std::string> methods, std::vector<std::int64_t> workers,
                                const std::optional<std::string>& since, const std::optional<std::string>& until,
                                const std::string& warmup, const std::string& sort, std::optional<std::size_t> limit) {
  PayloadsOptions options;
  options.routes = std::move(routes);
  options.methods = std::move(methods);
  options.workers = std::move(workers);
  options.since = since ? std::optional(Moment::parse(*since)) : std::nullopt;
  options.until = until ? std::optional(Moment::parse(*until)) : std::nullopt;
  options.warmup_us = parse_duration_us(warmup);
  options.sort = parse_payloads_sort(sort);
  options.limit = limit;
  const PayloadAnalyzer analyzer(path_of(path));
  const nb::gil_scoped_release unlocked;
  return analyzer.analyze(options);
}

void bind_directions(nb::module_& module) {
  nb::class_<PayloadModel>(module, "PayloadModel")
      .def_ro("base_bytes", &PayloadModel::base_bytes)
      .def_ro("amplification_ratio", &PayloadModel::amplification_ratio)
      .def_prop_ro("amplification_ratio_interval",
                   [](const PayloadModel& it) { return pair_of(it.amplification_ratio_interval); })
      .def_ro("linear", &PayloadModel::linear)
      .def_ro("with_other_direction", &PayloadModel::with_other_direction)
      .def_ro("fitted_requests", &PayloadModel::fitted_requests);
  nb::class_<PayloadDirection>(module, "PayloadDirection")
      .def_ro("size_bytes", &PayloadDirection::size_bytes)
      .def_ro("with_body", &PayloadDirection::with_body)
      .def_ro("in_pieces", &PayloadDirection::in_pieces)
      .def_ro("model", &PayloadDirection::model)
      .def_ro("held_ratio", &PayloadDirection::held_ratio)
      .def_prop_ro("mode", [](const PayloadDirection& it) { return name_of(it.mode); });
}

void bind_phases(nb::module_& module) {
  nb::class_<PhaseCost>(module, "PhaseCost")
      .def_ro("allocated_bytes", &PhaseCost::allocated_bytes)
      .def_ro("peak_bytes", &PhaseCost::peak_bytes)
      .def_ro("duration_seconds", &PhaseCost::duration_seconds)
      .def_ro("peak_reached_ratio", &PhaseCost::peak_reached_ratio)
      .def_ro("peak_share_ratio", &PhaseCost::peak_share_ratio);
  nb::class_<RequestPhases>(module, "RequestPhases")
      .def_ro("requests", &RequestPhases::requests)
      .def_ro("read", &RequestPhases::read)
      .def_ro("deserialize", &RequestPhases::deserialize)
      .def_ro("handle", &RequestPhases::handle)
      .def_ro("serialize", &RequestPhases::serialize)
      .def_ro("send", &RequestPhases::send);
}

void bind_types(nb::module_& module) {
  nb::class_<ContentTypeCost>(module, "ContentTypeCost")
      .def_prop_ro("direction", [](const ContentTypeCost& it) { return name_of(it.direction); })
      .def_prop_ro("content_type", text_or_none(&ContentTypeCost::content_type))
      .def_prop_ro("content_encoding", text_or_none(&ContentTypeCost::content_encoding))
      .def_ro("requests", &ContentTypeCost::requests)
      .def_ro("bytes", &ContentTypeCost::bytes)
      .def_ro("amplification_ratio", &ContentTypeCost::amplification_ratio)
      .def_prop_ro("amplification_ratio_interval",
                   [](const ContentTypeCost& it) { return pair_of(it.amplification_ratio_interval); })
      .def_prop_ro("reason", [](const ContentTypeCost& it) { return text_or_none(report::type_reason(it)); });
}

void bind_requirement(nb::module_& module) {
  nb::class_<PayloadRequirement>(module, "PayloadRequirement")
      .def_prop_ro("basis", [](const PayloadRequirement& it) { return name_of(it.basis); })
      .def_ro("p50_bytes", &PayloadRequirement::p50_bytes)
      .def_ro("p95_bytes", &PayloadRequirement::p95_bytes)
      .def_ro("p99_bytes", &PayloadRequirement::p99_bytes)
      .def_ro("largest_bytes", &PayloadRequirement::largest_bytes);
  nb::class_<BodyLimit>(module, "BodyLimit")
      .def_ro("known", &BodyLimit::known)
      .def_ro("limit_bytes", &BodyLimit::limit_bytes)
      .def_prop_ro("setting", text_or_none(&BodyLimit::setting))
      .def_ro("differs", &BodyLimit::differs);
  nb::class_<LargeBody>(module, "LargeBody")
      .def_ro("peak_bytes", &LargeBody::peak_bytes)
      .def_ro("low_bytes", &LargeBody::low_bytes)
      .def_ro("high_bytes", &LargeBody::high_bytes)
      .def_ro("times_largest", &LargeBody::times_largest);
}

void bind_endpoint(nb::module_& module) {
  nb::class_<EndpointPayloads>(module, "EndpointPayloads")
      .def_ro("method", &EndpointPayloads::method)
      .def_ro("route", &EndpointPayloads::route)
      .def_prop_ro("version", text_or_none(&EndpointPayloads::version))
      .def_ro("deprecated", &EndpointPayloads::deprecated)
      .def_ro("requests", &EndpointPayloads::requests)
      .def_ro("failed_requests", &EndpointPayloads::failed_requests)
      .def_ro("peak_bytes", &EndpointPayloads::peak_bytes)
      .def_ro("request", &EndpointPayloads::request)
      .def_ro("response", &EndpointPayloads::response)
      .def_ro("phases", &EndpointPayloads::phases)
      .def_ro("content_types", &EndpointPayloads::content_types)
      .def_prop_ro("saves_bytes", [](const EndpointPayloads& it) { return it.streaming.saves_bytes; })
      .def_prop_ro("verdict", [](const EndpointPayloads& it) { return report::streaming_verdict(it); })
      .def_ro("requirement", &EndpointPayloads::requirement)
      .def_ro("body_limit", &EndpointPayloads::body_limit)
      .def_ro("large_body", &EndpointPayloads::large_body);
}

}  // namespace

void bind_payloads(nb::module_& module) {
  bind_directions(module);
  bind_phases(module);
  bind_types(module);
  bind_requirement(module);
  bind_endpoint(module);
  nb::class_<PayloadsResult> result(module, "PayloadsResult");
  result.def_ro("recording", &PayloadsResult::recording)
      .def_ro("confidence_ratio", &PayloadsResult::confidence_ratio)
      .def_ro("requests", &PayloadsResult::requests)
      .def_ro("folded_requests", &PayloadsResult::folded_requests)
      .def_ro("endpoints", &PayloadsResult::endpoints)
      .def_ro("unmatched", &PayloadsResult::unmatched);
  bind_renderings(result);
  module.def("analyze_payloads", &analyze_payloads, "path"_a, nb::kw_only(), "routes"_a, "methods"_a, "workers"_a,
             "since"_a.none(), "until"_a.none(), "warmup"_a, "sort"_a, "limit"_a.none());
}

}  // namespace heapledger::cpython
