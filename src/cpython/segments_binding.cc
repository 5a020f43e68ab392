#include "cpython/segments_binding.h"

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

namespace heapledger::cpython {
namespace {

namespace nb = nanobind;
using namespace nb::literals;
using namespace heapledger::analysis;

SegmentsResult analyze_segments(const nb::bytes& path, std::vector<std::int64_t> workers) {
  SegmentsOptions options;
  options.workers = std::move(workers);
  const RequestIsolator isolator(path_of(path));
  const nb::gil_scoped_release unlocked;
  return isolator.segments(options);
}

void bind_memory(nb::module_& module) {
  nb::class_<Segment>(module, "Segment")
      .def_prop_ro("kind", [](const Segment& segment) { return name_of(segment.kind); })
      .def_ro("rss_bytes", &Segment::rss_bytes)
      .def_ro("shared_bytes", &Segment::shared_bytes)
      .def_ro("private_bytes", &Segment::private_bytes);
  nb::class_<SegmentsWorker>(module, "SegmentsWorker")
      .def_ro("worker", &SegmentsWorker::worker)
      .def_ro("serves", &SegmentsWorker::serves)
      .def_ro("pid", &SegmentsWorker::pid)
      .def_ro("parent_pid", &SegmentsWorker::parent_pid)
      .def_ro("in_group", &SegmentsWorker::in_group)
      .def_ro("read_at_unix_us", &SegmentsWorker::read_at_unix_us)
      .def_ro("first_read_at_unix_us", &SegmentsWorker::first_read_at_unix_us)
      .def_ro("rss_bytes", &SegmentsWorker::rss_bytes)
      .def_ro("pss_bytes", &SegmentsWorker::pss_bytes)
      .def_ro("uss_bytes", &SegmentsWorker::uss_bytes)
      .def_ro("shared_bytes", &SegmentsWorker::shared_bytes)
      .def_ro("unshared_bytes", &SegmentsWorker::unshared_bytes)
      .def_prop_ro("unread", text_or_none(&SegmentsWorker::unread))
      .def_ro("segments", &SegmentsWorker::segments);
  nb::class_<SegmentsGroup>(module, "SegmentsGroup")
      .def_ro("processes", &SegmentsGroup::processes)
      .def_ro("rss_bytes", &SegmentsGroup::rss_bytes)
      .def_ro("pss_bytes", &SegmentsGroup::pss_bytes)
      .def_ro("uss_bytes", &SegmentsGroup::uss_bytes)
      .def_ro("saved_bytes", &SegmentsGroup::saved_bytes)
      .def_ro("unshared_bytes", &SegmentsGroup::unshared_bytes)
      .def_ro("segments", &SegmentsGroup::segments);
}

void bind_blocks(nb::module_& module) {
  nb::class_<EndpointBlocks>(module, "EndpointBlocks")
      .def_ro("method", &EndpointBlocks::method)
      .def_ro("route", &EndpointBlocks::route)
      .def_prop_ro("version", text_or_none(&EndpointBlocks::version))
      .def_ro("requests", &EndpointBlocks::requests)
      .def_ro("isolated_bytes", &EndpointBlocks::isolated_bytes)
      .def_ro("escaped_bytes", &EndpointBlocks::escaped_bytes)
      .def_ro("handed_off_bytes", &EndpointBlocks::handed_off_bytes)
      .def_ro("adopted_bytes", &EndpointBlocks::adopted_bytes)
      .def_ro("retained_bytes", &EndpointBlocks::retained_bytes);
  nb::class_<BlockFlow>(module, "BlockFlow")
      .def_ro("from_method", &BlockFlow::from_method)
      .def_ro("from_route", &BlockFlow::from_route)
      .def_prop_ro("to_method", text_or_none(&BlockFlow::to_method))
      .def_prop_ro("to_route", text_or_none(&BlockFlow::to_route))
      .def_ro("bytes", &BlockFlow::bytes)
      .def_ro("blocks", &BlockFlow::blocks);
}

}  // namespace

void bind_segments(nb::module_& module) {
  bind_memory(module);
  bind_blocks(module);
  nb::class_<SegmentsResult> result(module, "SegmentsResult");
  result.def_ro("recording", &SegmentsResult::recording)
      .def_ro("workers", &SegmentsResult::workers)
      .def_ro("group", &SegmentsResult::group)
      .def_ro("blocks", &SegmentsResult::blocks)
      .def_ro("flows", &SegmentsResult::flows)
      .def_ro("lost_flow_bytes", &SegmentsResult::lost_flow_bytes);
  bind_renderings(result);
  module.def("analyze_segments", &analyze_segments, "path"_a, nb::kw_only(), "workers"_a);
}

}  // namespace heapledger::cpython
