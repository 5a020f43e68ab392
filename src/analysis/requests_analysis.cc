#include "analysis/requests_analysis.h"

#include <algorithm>
#include <set>
#include <string>
#include <unordered_set>

#include "analysis/books.h"
#include "analysis/endpoint_order.h"
#include "analysis/findings.h"
#include "analysis/memory_use.h"
#include "analysis/peaks.h"
#include "analysis/row_arithmetic.h"
#include "analysis/statistics/folded_figure.h"

namespace heapledger::analysis {
namespace {

double seconds_of(std::int64_t microseconds) { return static_cast<double>(microseconds) / 1e6; }

std::string join_distinct(const std::vector<recording::WorkerRow>& workers, std::string recording::WorkerRow::*member) {
  std::set<std::string> distinct;
  for (const auto& worker : workers) {
    distinct.insert(worker.*member);
  }
  std::string joined;
  for (const auto& value : distinct) {
    joined += (joined.empty() || value.empty() ? "" : ", ") + value;
  }
  return joined;
}

}  // namespace

RequestsAnalysis::RequestsAnalysis(const RecordingTables& tables, const RequestsOptions& options)
    : tables_(tables),
      options_(options),
      selection_(options, tables),
      names_(tables.endpoints),
      endpoints_(tables.endpoints.size()) {
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    endpoints_[i].row = &tables.endpoints[i];
    endpoints_[i].chosen = selection_.has_endpoint(tables.endpoints[i]);
  }
  book_retained();
}

RequestsAnalysis::Endpoint& RequestsAnalysis::endpoint_of(std::int64_t id) {
  const recording::EndpointRow* row = names_.find(id);
  if (row == nullptr) {
    throw recording::RecordingError(tables_.path + " is damaged: a request names endpoint " + std::to_string(id) +
                                    ", which is not there");
  }
  return endpoints_[static_cast<std::size_t>(row - tables_.endpoints.data())];
}

void RequestsAnalysis::book_retained() {
  for (const auto& total : tables_.owner_totals) {
    const bool ended =
        total.kind == recording::OwnerTotalKind::kRequest || total.kind == recording::OwnerTotalKind::kTenured;
    if (ended && total.endpoint && selection_.has_worker(total.worker)) {
      endpoint_of(*total.endpoint).figures.add_retained(total.live_bytes);
    }
  }
}

void RequestsAnalysis::add(const recording::RequestRow& request) {
  Endpoint& endpoint = endpoint_of(request.endpoint);
  ++recorded_requests_;
  ++worker_requests_[request.worker];
  if (!selection_.has_worker(request.worker)) {
    return;
  }
  if (!selection_.has_time(request.started_us)) {
    endpoint.figures.add_unchosen(1);
    return;
  }
  all_byte_seconds_ += real_of(request.byte_seconds);
  if (endpoint.chosen) {
    endpoint.figures.add(request);
  }
}

void RequestsAnalysis::add(const recording::SliceRow& slice) {
  Endpoint& endpoint = endpoint_of(slice.endpoint);
  const std::uint64_t requests = count_of(slice.requests);
  recorded_requests_ += requests;
  const bool covered = selection_.covers(slice.from_us, slice.until_us);
  if (!selection_.has_every_worker() || !covered) {
    endpoint.figures.add_unchosen(requests);
    const bool wanted = endpoint.chosen && selection_.overlaps(slice.from_us, slice.until_us);
    folded_left_out_ += wanted ? requests : 0;
    return;
  }
  all_byte_seconds_ += real_of(slice.byte_seconds.sum);
  if (endpoint.chosen) {
    endpoint.figures.add(slice);
    folded_requests_ += requests;
  }
}

// Supervisors, reloaders and preloading masters keep a ledger too and serve nothing: a worker has had a request. Where
// none had, it is a process that a server's adapter was installed in, else any. A slice does not say who served its
// requests; the owners of the worker's books do.
std::uint64_t RequestsAnalysis::count_serving_workers() const {
  std::unordered_set<std::int64_t> serving;
  for (const auto& [worker, requests] : worker_requests_) {
    serving.insert(worker);
  }
  for (const auto& total : tables_.owner_totals) {
    const bool of_requests =
        total.kind != recording::OwnerTotalKind::kService && total.kind != recording::OwnerTotalKind::kImport;
    if (!tables_.slices.empty() && of_requests && total.owners > 0) {
      serving.insert(total.worker);
    }
  }
  for (const recording::InFlightRow& request : tables_.in_flight) {
    serving.insert(request.worker);
  }
  if (!serving.empty()) {
    return serving.size();
  }
  const auto& workers = tables_.workers;
  const auto with_server =
      std::count_if(workers.begin(), workers.end(), [](const auto& worker) { return !worker.server.empty(); });
  return with_server == 0 ? workers.size() : static_cast<std::size_t>(with_server);
}

RecordingInfo RequestsAnalysis::describe_recording() const {
  const recording::MetaRow& meta = tables_.meta;
  RecordingInfo info;
  info.path = tables_.path;
  info.schema_version = meta.schema_version;
  info.heapledger_version = meta.heapledger_version;
  info.started_unix_us = meta.started_unix_ns / 1000;
  info.duration_seconds = seconds_of(std::max<std::int64_t>(0, tables_.end_us));
  info.command = meta.command;
  info.python = join_distinct(tables_.workers, &recording::WorkerRow::python);
  info.mode = meta.mode;
  info.native = meta.native;
  info.worker_count = count_serving_workers();
  info.complete = meta.complete;
  info.dropped_requests = count_of(meta.dropped_requests);
  return info;
}

std::vector<EndpointCost> RequestsAnalysis::summarize_endpoints() {
  std::vector<EndpointCost> costs;
  for (Endpoint& endpoint : endpoints_) {
    if (!endpoint.chosen || endpoint.figures.requests() == 0) {
      continue;
    }
    EndpointCost& cost = costs.emplace_back(endpoint.figures.summarize(*endpoint.row, tables_.meta.native));
    cost.cost_ratio = all_byte_seconds_ > 0 ? cost.total_byte_seconds / all_byte_seconds_ : 0;
    endpoint.figures = {};
  }
  sort_endpoints(costs, options_.sort);
  return costs;
}

std::uint64_t RequestsAnalysis::count_in_flight() const {
  const auto counts = [this](const recording::InFlightRow& request) {
    const recording::EndpointRow* endpoint = names_.find(request.endpoint);
    const bool restricted = !options_.routes.empty() || !options_.methods.empty();
    const bool chosen = endpoint == nullptr ? !restricted : selection_.has_endpoint(*endpoint);
    return chosen && selection_.has_worker(request.worker) && selection_.has_time(request.started_us);
  };
  return static_cast<std::uint64_t>(std::count_if(tables_.in_flight.begin(), tables_.in_flight.end(), counts));
}

RequestsResult RequestsAnalysis::finish() {
  RequestsResult result;
  result.recording = describe_recording();
  result.accounting = sum_books(tables_, selection_);
  result.memory = sum_memory(tables_, selection_);
  result.endpoints = summarize_endpoints();
  for (const EndpointCost& endpoint : result.endpoints) {
    result.requests += endpoint.requests;
  }
  result.recorded_requests = recorded_requests_;
  result.in_flight_at_end = count_in_flight();
  result.peaks = describe_peaks(tables_, names_, selection_);
  result.workers = list_workers(tables_, selection_);
  for (WorkerCost& worker : result.workers) {
    const auto found = worker_requests_.find(worker.worker);
    worker.requests = found == worker_requests_.end() ? 0 : found->second;
  }
  result.findings = find_findings(result.endpoints, result.peaks.empty() ? nullptr : &result.peaks.front());
  if (tables_.meta.single_requests_since_us) {
    Folded& folded = result.folded.emplace();
    folded.single_requests_since_unix_us =
        add_limited(result.recording.started_unix_us, *tables_.meta.single_requests_since_us);
    folded.requests = folded_requests_;
    folded.requests_left_out = folded_left_out_;
    folded.percentile_error_ratio = statistics::kFoldedErrorRatio;
  }
  result.unmatched = selection_.unmatched(tables_.endpoints);
  result.limit = options_.limit;
  return result;
}

}  // namespace heapledger::analysis
