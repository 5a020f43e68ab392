#include "analysis/requests_analysis.h"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>

#include "analysis/books.h"
#include "analysis/endpoint_order.h"
#include "analysis/findings.h"
#include "analysis/memory_use.h"
#include "analysis/peaks.h"
#include "analysis/recording_info.h"
#include "analysis/row_arithmetic.h"
#include "analysis/statistics/folded_figure.h"

namespace heapledger::analysis {
namespace {

double seconds_of(std::int64_t microseconds) { return static_cast<double>(microseconds) / 1e6; }

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
  for (const auto& worker : tables.workers) {
    if (!worker.ended_us && worker.books_us) {
      running_books_us_[worker.id] = *worker.books_us;
    }
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
      endpoint_of(*total.endpoint).figures.add_retained(total.worker, total.live_bytes);
    }
  }
}

std::int64_t RequestsAnalysis::books_us(std::int64_t worker) const {
  const auto found = running_books_us_.find(worker);
  return found == running_books_us_.end() ? std::numeric_limits<std::int64_t>::max() : found->second;
}

void RequestsAnalysis::date_books(Accounting& books) const {
  for (const auto& [worker, read_us] : running_books_us_) {
    if (!selection_.has_worker(worker)) {
      continue;
    }
    const std::int64_t at_us = add_limited(tables_.meta.started_unix_ns / 1000, read_us);
    books.books_at_unix_us = std::min(books.books_at_unix_us.value_or(at_us), at_us);
    const auto served = served_.find(worker);
    if (served != served_.end() && served->second.last_end_us > read_us) {
      const double behind = seconds_of(subtract_limited(served->second.last_end_us, read_us));
      books.books_behind_seconds = std::max(books.books_behind_seconds.value_or(0), behind);
    }
  }
}

void RequestsAnalysis::add(const recording::RequestRow& request) {
  Endpoint& endpoint = endpoint_of(request.endpoint);
  const std::int64_t end_us = add_limited(request.started_us, request.duration_us);
  ++recorded_requests_;
  Served& served = served_[request.worker];
  ++served.requests;
  served.last_end_us = std::max(served.last_end_us, end_us);
  if (!selection_.has_worker(request.worker)) {
    return;
  }
  if (end_us <= books_us(request.worker)) {
    endpoint.figures.add_booked(request);
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
  endpoint.figures.add_booked(slice);
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

std::unordered_set<std::int64_t> RequestsAnalysis::serving() const {
  std::unordered_set<std::int64_t> served;
  for (const auto& [worker, requests] : served_) {
    served.insert(worker);
  }
  return serving_workers(tables_, std::move(served));
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
  const std::unordered_set<std::int64_t> serving_now = serving();
  result.recording = describe_recording(tables_, serving_now.size());
  result.accounting = sum_books(tables_, selection_);
  date_books(result.accounting);
  result.memory = sum_memory(tables_, selection_);
  result.endpoints = summarize_endpoints();
  for (const EndpointCost& endpoint : result.endpoints) {
    result.requests += endpoint.requests;
  }
  result.recorded_requests = recorded_requests_;
  result.in_flight_at_end = count_in_flight();
  result.peaks = describe_peaks(tables_, names_, selection_);
  result.peak_outside_unix_us = peak_outside_unix_us(tables_, selection_);
  result.workers = list_workers(tables_, selection_);
  for (WorkerCost& worker : result.workers) {
    const auto found = served_.find(worker.worker);
    worker.requests = found == served_.end() ? 0 : found->second.requests;
    worker.serves = serving_now.contains(worker.worker);
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
