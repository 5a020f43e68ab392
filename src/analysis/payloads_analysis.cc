#include "analysis/payloads_analysis.h"

#include <utility>

#include "analysis/endpoint_payloads.h"
#include "analysis/payloads_order.h"
#include "analysis/peak_model.h"
#include "analysis/recording_info.h"
#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

RequestsOptions choice_of(const PayloadsOptions& options) {
  RequestsOptions choice;
  choice.routes = options.routes;
  choice.methods = options.methods;
  choice.workers = options.workers;
  choice.since = options.since;
  choice.until = options.until;
  choice.warmup_us = options.warmup_us;
  return choice;
}

}  // namespace

PayloadsAnalysis::PayloadsAnalysis(const RecordingTables& tables, PayloadTables payloads,
                                   const PayloadsOptions& options)
    : tables_(tables),
      payloads_(std::move(payloads)),
      options_(options),
      selection_(choice_of(options), tables),
      names_(tables.endpoints),
      endpoints_(tables.endpoints.size()) {
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    endpoints_[i].row = &tables.endpoints[i];
    endpoints_[i].chosen = selection_.has_endpoint(tables.endpoints[i]);
  }
  for (const auto& type : payloads_.types) {
    kind_names_.types[type.id] = type.name;
  }
  for (const auto& encoding : payloads_.encodings) {
    kind_names_.encodings[encoding.id] = encoding.name;
  }
}

void PayloadsAnalysis::add(const recording::BodyRow& request) {
  const recording::EndpointRow* row = names_.find(request.endpoint);
  if (row == nullptr) {
    throw recording::RecordingError(tables_.path + " is damaged: a request names endpoint " +
                                    std::to_string(request.endpoint) + ", which is not there");
  }
  served_.insert(request.worker);
  Endpoint& endpoint = endpoints_[static_cast<std::size_t>(row - tables_.endpoints.data())];
  if (endpoint.chosen && selection_.has_worker(request.worker) && selection_.has_time(request.started_us)) {
    endpoint.bodies.add(request);
    ++requests_;
  }
}

std::vector<const recording::BodyLimitRow*> PayloadsAnalysis::limits_of(const recording::EndpointRow& endpoint) const {
  std::vector<const recording::BodyLimitRow*> own;
  std::vector<const recording::BodyLimitRow*> general;
  for (const recording::BodyLimitRow& limit : payloads_.limits) {
    if (selection_.has_worker(limit.worker) && limit.endpoint.value_or(endpoint.id) == endpoint.id) {
      (limit.endpoint ? own : general).push_back(&limit);
    }
  }
  return own.empty() ? general : own;
}

// Slices do not know their workers: with --worker all are left out alike.
std::uint64_t PayloadsAnalysis::count_folded() const {
  std::uint64_t folded = 0;
  for (const recording::SliceRow& slice : tables_.slices) {
    const recording::EndpointRow* row = names_.find(slice.endpoint);
    const bool wanted = row != nullptr && selection_.has_endpoint(*row);
    folded += wanted && selection_.overlaps(slice.from_us, slice.until_us) ? count_of(slice.requests) : 0;
  }
  return folded;
}

PayloadsResult PayloadsAnalysis::finish() {
  PayloadsResult result;
  result.confidence_ratio = kPayloadConfidence;
  result.recording = describe_recording(tables_, serving_workers(tables_, served_).size());
  result.requests = requests_;
  result.folded_requests = count_folded();
  for (Endpoint& endpoint : endpoints_) {
    if (endpoint.bodies.requests() > 0) {
      result.endpoints.push_back(
          summarize_payloads(*endpoint.row, endpoint.bodies, kind_names_, limits_of(*endpoint.row)));
      endpoint.bodies = {};
    }
  }
  sort_payloads(result.endpoints, options_.sort);
  result.unmatched = selection_.unmatched(tables_.endpoints);
  result.limit = options_.limit;
  return result;
}

}  // namespace heapledger::analysis
