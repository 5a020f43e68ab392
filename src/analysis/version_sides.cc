#include "analysis/version_sides.h"

#include <algorithm>

#include "analysis/api_version.h"
#include "analysis/row_arithmetic.h"
#include "recording/request_flags.h"

namespace heapledger::analysis {

void VersionColumns::reserve(std::size_t count) {
  worker.reserve(count);
  received_bytes.reserve(count);
  sent_bytes.reserve(count);
  for (std::vector<double>* column : {&peak_bytes, &allocated_bytes, &escaped_bytes, &byte_seconds}) {
    column->reserve(count);
  }
}

VersionSides::VersionSides(const RecordingTables& tables, const std::vector<recording::RequestSpanRow>& spans,
                           const RequestsOptions& options)
    : tables_(tables), selection_(options, tables) {
  for (const recording::EndpointRow& row : tables.endpoints) {
    if (!selection_.has_endpoint(row)) {
      continue;
    }
    const std::string version = row.version.empty() ? version_in_route(row.route) : row.version;
    const std::string route = route_without_version(row.route);
    VersionSide& side = sides_[{row.method, route, version}];
    if (side.endpoints.empty()) {
      side.id = {row.method, row.route, version};
      side.route = route;
    }
    side.endpoints.push_back(row.id);
    side.deprecated = side.deprecated || row.deprecated;
    by_endpoint_[row.id] = &side;
  }
  for (const recording::RequestSpanRow& span : spans) {
    if (const auto found = by_endpoint_.find(span.endpoint); found != by_endpoint_.end()) {
      found->second->has_requests = found->second->has_requests || span.requests > 0;
    }
  }
}

const VersionSide* VersionSides::of_endpoint(std::int64_t endpoint) const {
  const auto found = by_endpoint_.find(endpoint);
  return found == by_endpoint_.end() ? nullptr : found->second;
}

void VersionSides::reserve(const std::vector<recording::RequestSpanRow>& spans) {
  std::unordered_map<VersionSide*, std::size_t> counts;
  for (const recording::RequestSpanRow& span : spans) {
    const auto found = by_endpoint_.find(span.endpoint);
    if (found != by_endpoint_.end() && found->second->compared && selection_.has_worker(span.worker)) {
      counts[found->second] += static_cast<std::size_t>(count_of(span.requests));
    }
  }
  for (const auto& [side, count] : counts) {
    side->columns.reserve(count);
  }
}

void VersionSides::add(const recording::RequestCostRow& row) {
  if (!selection_.has_worker(row.worker) || !selection_.has_time(row.started_us)) {
    return;
  }
  first_us_ = requests_ == 0 ? row.started_us : std::min(first_us_, row.started_us);
  last_us_ = requests_ == 0 ? row.started_us : std::max(last_us_, row.started_us);
  ++requests_;
  byte_seconds_ += real_of(row.byte_seconds);
  const auto found = by_endpoint_.find(row.endpoint);
  if (found == by_endpoint_.end()) {
    return;
  }
  VersionSide& side = *found->second;
  side.last_us = side.requests == 0 ? row.started_us : std::max(side.last_us, row.started_us);
  ++side.requests;
  side.byte_seconds += real_of(row.byte_seconds);
  side.allocated_bytes += static_cast<double>(row.allocated_bytes);
  if (recording::is_error(row.status, row.flags)) {
    ++side.errors;
  } else if (recording::is_approximate(row.flags)) {
    ++side.left_out;
  } else if (side.compared) {
    VersionColumns& columns = side.columns;
    columns.worker.push_back(static_cast<std::uint32_t>(row.worker));
    columns.received_bytes.push_back(count_of(row.received_bytes));
    columns.sent_bytes.push_back(count_of(row.sent_bytes));
    columns.peak_bytes.push_back(static_cast<double>(row.peak_bytes));
    columns.allocated_bytes.push_back(static_cast<double>(row.allocated_bytes));
    columns.escaped_bytes.push_back(static_cast<double>(row.escaped_bytes));
    columns.byte_seconds.push_back(real_of(row.byte_seconds));
  }
}

double VersionSides::seconds() const { return static_cast<double>(subtract_limited(last_us_, first_us_)) / 1e6; }

}  // namespace heapledger::analysis
