// heapledger._analysis: the analyses as Python sees them. Outside of the service's world: it reads recordings, and
// shares nothing with the hooks of this process but the interpreter.
//
// Results are read-only values. Rendering and figures are the C++ library's own, so that they equal the command line's
// to the byte. The GIL is released while a recording is read. Errors: heapledger.RecordingError, or ValueError for an
// option that makes no sense.
#include <Python.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "cpython/binding_parts.h"
#include "cpython/interference_binding.h"
#include "cpython/leaks_binding.h"
#include "cpython/lifecycle_binding.h"
#include "cpython/limits_binding.h"
#include "cpython/payloads_binding.h"
#include "cpython/pools_binding.h"
#include "cpython/segments_binding.h"
#include "cpython/versions_binding.h"
#include "heapledger/request_isolator.h"
#include "recording/recording.h"

namespace nb = nanobind;
using namespace nb::literals;
using namespace heapledger::analysis;
using heapledger::cpython::text_or_none;

namespace {

// A path is bytes to the system; Python's str of it need not be UTF-8.
nb::object path_text(const RecordingInfo& info) {
  return nb::steal(PyUnicode_DecodeFSDefaultAndSize(info.path.data(), static_cast<Py_ssize_t>(info.path.size())));
}

void raise_recording_error(const heapledger::recording::RecordingError& error) {
  nb::object type = nb::module_::import_("heapledger.errors").attr("RecordingError");
  nb::object value = type(error.what(), "hint"_a = error.hint());
  PyErr_SetObject(type.ptr(), value.ptr());
}

RequestsResult analyze_requests(const nb::bytes& path, std::vector<std::string> routes,
                                std::vector<std::string> methods, std::vector<std::int64_t> workers,
                                const std::optional<std::string>& since, const std::optional<std::string>& until,
                                const std::string& warmup, const std::string& sort, std::optional<std::size_t> limit) {
  RequestsOptions options;
  options.routes = std::move(routes);
  options.methods = std::move(methods);
  options.workers = std::move(workers);
  options.since = since ? std::optional(Moment::parse(*since)) : std::nullopt;
  options.until = until ? std::optional(Moment::parse(*until)) : std::nullopt;
  options.warmup_us = parse_duration_us(warmup);
  options.sort = parse_requests_sort(sort);
  options.limit = limit;
  const RequestIsolator isolator(heapledger::cpython::path_of(path));
  const nb::gil_scoped_release unlocked;
  return isolator.analyze(options);
}

template <class Value>
void bind_distribution(nb::module_& module, const char* name) {
  using Bound = Distribution<Value>;
  nb::class_<Bound>(module, name)
      .def_ro("mean", &Bound::mean)
      .def_ro("p50", &Bound::p50)
      .def_ro("p90", &Bound::p90)
      .def_ro("p95", &Bound::p95)
      .def_ro("p99", &Bound::p99)
      .def_ro("max", &Bound::max);
}

void bind_recording(nb::module_& module) {
  nb::class_<RecordingInfo>(module, "RecordingInfo")
      .def_prop_ro("path", &path_text)
      .def_ro("schema_version", &RecordingInfo::schema_version)
      .def_ro("heapledger_version", &RecordingInfo::heapledger_version)
      .def_ro("started_unix_us", &RecordingInfo::started_unix_us)
      .def_ro("duration_seconds", &RecordingInfo::duration_seconds)
      .def_ro("command", &RecordingInfo::command)
      .def_ro("python", &RecordingInfo::python)
      .def_ro("mode", &RecordingInfo::mode)
      .def_ro("native", &RecordingInfo::native)
      .def_ro("worker_count", &RecordingInfo::worker_count)
      .def_ro("complete", &RecordingInfo::complete)
      .def_prop_ro("state", [](const RecordingInfo& info) { return name_of(info.state); })
      .def_ro("dropped_requests", &RecordingInfo::dropped_requests);
}

void bind_accounting(nb::module_& module) {
  nb::class_<Accounting>(module, "Accounting")
      .def_ro("allocated_bytes", &Accounting::allocated_bytes)
      .def_ro("freed_bytes", &Accounting::freed_bytes)
      .def_ro("live_bytes", &Accounting::live_bytes)
      .def_ro("unattributed_bytes", &Accounting::unattributed_bytes)
      .def_ro("dropped_requests", &Accounting::dropped_requests)
      .def_ro("workers_without_ledger", &Accounting::workers_without_ledger)
      .def_ro("run_folder_lost", &Accounting::run_folder_lost)
      .def_ro("balanced", &Accounting::balanced)
      .def_ro("approximate_requests", &Accounting::approximate_requests)
      .def_ro("untracked_blocks", &Accounting::untracked_blocks)
      .def_ro("lost_frees", &Accounting::lost_frees)
      .def_ro("folded_endpoints", &Accounting::folded_endpoints)
      .def_ro("books_at_unix_us", &Accounting::books_at_unix_us)
      .def_ro("books_behind_seconds", &Accounting::books_behind_seconds);
  nb::class_<MemoryUse>(module, "MemoryUse")
      .def_ro("processes", &MemoryUse::processes)
      .def_ro("rss_bytes", &MemoryUse::rss_bytes)
      .def_ro("live_bytes", &MemoryUse::live_bytes)
      .def_ro("allocator_retained_bytes", &MemoryUse::allocator_retained_bytes)
      .def_ro("other_bytes", &MemoryUse::other_bytes)
      .def_ro("heapledger_bytes", &MemoryUse::heapledger_bytes)
      .def_ro("native_live_bytes", &MemoryUse::native_live_bytes)
      .def_ro("unseen_packages", &MemoryUse::unseen_packages);
  nb::class_<WorkerCost>(module, "WorkerCost")
      .def_ro("worker", &WorkerCost::worker)
      .def_ro("pid", &WorkerCost::pid)
      .def_ro("serves", &WorkerCost::serves)
      .def_ro("python", &WorkerCost::python)
      .def_prop_ro("server", [](const WorkerCost& worker) { return text_or_none(worker.server); })
      .def_prop_ro("ending", [](const WorkerCost& worker) { return name_of(worker.ending); })
      .def_ro("end_signal", &WorkerCost::end_signal)
      .def_ro("requests", &WorkerCost::requests)
      .def_ro("live_bytes", &WorkerCost::live_bytes)
      .def_ro("audited_live_bytes", &WorkerCost::audited_live_bytes)
      .def_ro("audited_owner_mismatches", &WorkerCost::audited_owner_mismatches)
      .def_ro("balanced", &WorkerCost::balanced)
      .def_ro("rss_bytes", &WorkerCost::rss_bytes);
}

void bind_endpoint(nb::module_& module) {
  nb::class_<Concurrency>(module, "Concurrency")
      .def_ro("mean", &Concurrency::mean)
      .def_ro("max", &Concurrency::max)
      .def_ro("alongside", &Concurrency::alongside);
  nb::class_<EndpointCost>(module, "EndpointCost")
      .def_ro("method", &EndpointCost::method)
      .def_ro("route", &EndpointCost::route)
      .def_prop_ro("version", [](const EndpointCost& endpoint) { return text_or_none(endpoint.version); })
      .def_ro("deprecated", &EndpointCost::deprecated)
      .def_ro("requests", &EndpointCost::requests)
      .def_ro("errors", &EndpointCost::errors)
      .def_ro("concurrency", &EndpointCost::concurrency)
      .def_ro("allocated_bytes", &EndpointCost::allocated_bytes)
      .def_ro("allocations", &EndpointCost::allocations)
      .def_ro("peak_bytes", &EndpointCost::peak_bytes)
      .def_ro("native_allocated_bytes", &EndpointCost::native_allocated_bytes)
      .def_ro("native_peak_bytes", &EndpointCost::native_peak_bytes)
      .def_ro("isolated_bytes", &EndpointCost::isolated_bytes)
      .def_ro("escaped_bytes", &EndpointCost::escaped_bytes)
      .def_ro("adopted_bytes", &EndpointCost::adopted_bytes)
      .def_ro("after_response_bytes", &EndpointCost::after_response_bytes)
      .def_ro("retained_bytes", &EndpointCost::retained_bytes)
      .def_ro("recorded_requests", &EndpointCost::recorded_requests)
      .def_ro("byte_seconds", &EndpointCost::byte_seconds)
      .def_ro("total_byte_seconds", &EndpointCost::total_byte_seconds)
      .def_ro("duration_seconds", &EndpointCost::duration_seconds)
      .def_ro("cost_ratio", &EndpointCost::cost_ratio);
}

void bind_peaks(nb::module_& module) {
  nb::class_<Holder>(module, "Holder")
      .def_prop_ro("method", [](const Holder& holder) { return text_or_none(holder.method); })
      .def_prop_ro("route", [](const Holder& holder) { return text_or_none(holder.route); })
      .def_prop_ro("version", [](const Holder& holder) { return text_or_none(holder.version); })
      .def_ro("live_bytes", &Holder::live_bytes);
  nb::class_<Peak>(module, "Peak")
      .def_ro("at_unix_us", &Peak::at_unix_us)
      .def_ro("after_start_seconds", &Peak::after_start_seconds)
      .def_ro("worker", &Peak::worker)
      .def_ro("live_bytes", &Peak::live_bytes)
      .def_ro("in_flight_requests", &Peak::in_flight_requests)
      .def_ro("in_flight", &Peak::in_flight)
      .def_ro("outside_bytes", &Peak::outside_bytes);
}

void bind_remarks(nb::module_& module) {
  nb::class_<Finding>(module, "Finding")
      .def_prop_ro("kind", [](const Finding& finding) { return name_of(finding.kind); })
      .def_ro("endpoint", &Finding::endpoint)
      .def_ro("bytes", &Finding::bytes)
      .def_ro("total_bytes", &Finding::total_bytes)
      .def_ro("ratio", &Finding::ratio);
  nb::class_<Folded>(module, "Folded")
      .def_ro("single_requests_since_unix_us", &Folded::single_requests_since_unix_us)
      .def_ro("requests", &Folded::requests)
      .def_ro("requests_left_out", &Folded::requests_left_out)
      .def_ro("percentile_error_ratio", &Folded::percentile_error_ratio);
  nb::class_<UnmatchedOption>(module, "UnmatchedOption")
      .def_ro("option", &UnmatchedOption::option)
      .def_ro("value", &UnmatchedOption::value)
      .def_prop_ro("nearest", [](const UnmatchedOption& option) { return text_or_none(option.nearest); });
}

void bind_result(nb::module_& module) {
  nb::class_<RequestsResult> result(module, "RequestsResult");
  result.def_ro("recording", &RequestsResult::recording)
      .def_ro("accounting", &RequestsResult::accounting)
      .def_ro("memory", &RequestsResult::memory)
      .def_ro("requests", &RequestsResult::requests)
      .def_ro("recorded_requests", &RequestsResult::recorded_requests)
      .def_ro("endpoints", &RequestsResult::endpoints)
      .def_ro("in_flight_at_end", &RequestsResult::in_flight_at_end)
      .def_ro("peaks", &RequestsResult::peaks)
      .def_ro("peak_outside_unix_us", &RequestsResult::peak_outside_unix_us)
      .def_ro("workers", &RequestsResult::workers)
      .def_ro("findings", &RequestsResult::findings)
      .def_ro("folded", &RequestsResult::folded)
      .def_ro("unmatched", &RequestsResult::unmatched);
  heapledger::cpython::bind_renderings(result);
}

}  // namespace

NB_MODULE(_analysis, module) {
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const heapledger::recording::RecordingError& error) {
      raise_recording_error(error);
    }
  });
  bind_distribution<std::uint64_t>(module, "IntegerDistribution");
  bind_distribution<double>(module, "RealDistribution");
  bind_recording(module);
  bind_accounting(module);
  bind_endpoint(module);
  bind_peaks(module);
  bind_remarks(module);
  bind_result(module);
  heapledger::cpython::bind_segments(module);
  heapledger::cpython::bind_leaks(module);
  heapledger::cpython::bind_lifecycle(module);
  heapledger::cpython::bind_interference(module);
  heapledger::cpython::bind_pools(module);
  heapledger::cpython::bind_versions(module);
  heapledger::cpython::bind_payloads(module);
  heapledger::cpython::bind_limits(module);
  module.def("analyze_requests", &analyze_requests, "path"_a, nb::kw_only(), "routes"_a, "methods"_a, "workers"_a,
             "since"_a.none(), "until"_a.none(), "warmup"_a, "sort"_a, "limit"_a.none());
}
