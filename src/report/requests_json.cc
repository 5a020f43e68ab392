#include "report/requests_json.h"

#include <algorithm>

#include "report/request_sites_report.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::RequestsResult;

Json optional_size_distribution(const std::optional<analysis::IntegerDistribution>& distribution) {
  return distribution ? size_distribution(*distribution) : Json(nullptr);
}

Json accounting(const analysis::Accounting& books) {
  return {{"allocated_bytes", books.allocated_bytes},
          {"freed_bytes", books.freed_bytes},
          {"live_bytes", books.live_bytes},
          {"unattributed_bytes", books.unattributed_bytes},
          {"dropped_requests", books.dropped_requests},
          {"workers_without_ledger", books.workers_without_ledger},
          {"run_folder_lost", books.run_folder_lost},
          {"balanced", value_or_null(books.balanced)},
          {"approximate_requests", books.approximate_requests},
          {"untracked_blocks", books.untracked_blocks},
          {"lost_frees", books.lost_frees},
          {"folded_endpoints", books.folded_endpoints},
          {"books_at", books.books_at_unix_us ? Json(format_iso_time(*books.books_at_unix_us)) : Json(nullptr)},
          {"books_behind_seconds", value_or_null(books.books_behind_seconds)}};
}

Json memory(const analysis::MemoryUse& use) {
  return {{"rss_bytes", value_or_null(use.rss_bytes)},
          {"live_bytes", value_or_null(use.live_bytes)},
          {"allocator_retained_bytes", value_or_null(use.allocator_retained_bytes)},
          {"other_bytes", value_or_null(use.other_bytes)},
          {"heapledger_bytes", value_or_null(use.heapledger_bytes)},
          {"native_live_bytes", value_or_null(use.native_live_bytes)},
          {"unseen_packages", use.unseen_packages},
          {"processes", use.processes}};
}

Json peak(const analysis::Peak& highest) {
  Json holders = Json::array();
  for (const analysis::Holder& holder : highest.in_flight) {
    const bool known = !holder.route.empty();
    holders.push_back({{"method", known ? Json(holder.method) : Json(nullptr)},
                       {"route", known ? Json(holder.route) : Json(nullptr)},
                       {"version", holder.version.empty() ? Json(nullptr) : Json(holder.version)},
                       {"live_bytes", holder.live_bytes}});
  }
  return {{"at", format_iso_time(highest.at_unix_us)},
          {"worker", highest.worker},
          {"live_bytes", highest.live_bytes},
          {"in_flight", holders},
          {"in_flight_requests", highest.in_flight_requests},
          {"outside_bytes", value_or_null(highest.outside_bytes)}};
}

Json worker(const analysis::WorkerCost& cost) {
  return {{"worker", cost.worker},
          {"pid", cost.pid},
          {"serves", cost.serves},
          {"python", cost.python},
          {"server", cost.server.empty() ? Json(nullptr) : Json(cost.server)},
          {"ending", name_of(cost.ending)},
          {"end_signal", value_or_null(cost.end_signal)},
          {"requests", cost.requests},
          {"live_bytes", cost.live_bytes},
          {"audited_live_bytes", value_or_null(cost.audited_live_bytes)},
          {"audited_owner_mismatches", value_or_null(cost.audited_owner_mismatches)},
          {"balanced", value_or_null(cost.balanced)},
          {"rss_bytes", value_or_null(cost.rss_bytes)}};
}

Json finding(const analysis::Finding& found, const analysis::EndpointCost& endpoint) {
  Json object = {{"kind", name_of(found.kind)}, {"method", endpoint.method}, {"route", endpoint.route}};
  switch (found.kind) {
    case analysis::FindingKind::kKeeps:
      object["kept_per_request_bytes"] = found.bytes;
      object["retained_bytes"] = found.total_bytes;
      break;
    case analysis::FindingKind::kPeak:
      object["held_bytes"] = found.bytes;
      object["peak_ratio"] = found.ratio;
      break;
    case analysis::FindingKind::kCost:
      object["cost_ratio"] = found.ratio;
      break;
  }
  return object;
}

Json folded(const std::optional<analysis::Folded>& sums) {
  if (!sums) {
    return nullptr;
  }
  return {{"single_requests_since", format_iso_time(sums->single_requests_since_unix_us)},
          {"requests", sums->requests},
          {"requests_left_out", sums->requests_left_out},
          {"percentile_error_ratio", sums->percentile_error_ratio}};
}

Json unmatched(const analysis::UnmatchedOption& option) {
  return {{"option", option.option},
          {"value", option.value},
          {"nearest", option.nearest.empty() ? Json(nullptr) : Json(option.nearest)}};
}

template <class Item, class Render>
Json list_of(const std::vector<Item>& items, std::size_t count, Render render) {
  Json list = Json::array();
  for (std::size_t i = 0; i < count; ++i) {
    list.push_back(render(items[i]));
  }
  return list;
}

}  // namespace

std::size_t shown_endpoints(const RequestsResult& result, std::size_t otherwise) {
  const std::size_t limit = result.limit.value_or(otherwise);
  return limit == 0 ? result.endpoints.size() : std::min(limit, result.endpoints.size());
}

Json endpoint_row(const analysis::EndpointCost& endpoint) {
  return {{"method", endpoint.method},
          {"route", endpoint.route},
          {"version", endpoint.version.empty() ? Json(nullptr) : Json(endpoint.version)},
          {"deprecated", endpoint.deprecated},
          {"requests", endpoint.requests},
          {"errors", endpoint.errors},
          {"concurrency", {{"mean", value_or_null(endpoint.concurrency.mean)}, {"max", endpoint.concurrency.max}}},
          {"allocated_bytes", size_distribution(endpoint.allocated_bytes)},
          {"allocations", count_distribution(endpoint.allocations)},
          {"peak_bytes", size_distribution(endpoint.peak_bytes)},
          {"native_allocated_bytes", optional_size_distribution(endpoint.native_allocated_bytes)},
          {"native_peak_bytes", optional_size_distribution(endpoint.native_peak_bytes)},
          {"isolated_bytes", size_distribution(endpoint.isolated_bytes)},
          {"escaped_bytes", size_distribution(endpoint.escaped_bytes)},
          {"adopted_bytes", size_distribution(endpoint.adopted_bytes)},
          {"after_response_bytes", size_distribution(endpoint.after_response_bytes)},
          {"retained_bytes", endpoint.retained_bytes},
          {"byte_seconds", real_distribution(endpoint.byte_seconds)},
          {"duration_seconds", real_distribution(endpoint.duration_seconds)},
          {"cost_ratio", endpoint.cost_ratio}};
}

Json requests_document(const RequestsResult& result) {
  Json document = open_document("requests", result.recording);
  document["recording_state"] = name_of(result.recording.state);
  document["accounting"] = accounting(result.accounting);
  document["memory"] = memory(result.memory);
  const std::size_t shown = shown_endpoints(result, 0);
  document["endpoints"] = list_of(result.endpoints, shown, endpoint_row);
  document["endpoints_left_out"] = result.endpoints.size() - shown;
  document["in_flight_at_end"] = result.in_flight_at_end;
  document["peaks"] = list_of(result.peaks, result.peaks.size(), peak);
  document["peak_outside_at"] =
      result.peak_outside_unix_us ? Json(format_iso_time(*result.peak_outside_unix_us)) : Json(nullptr);
  document["workers"] = list_of(result.workers, result.workers.size(), worker);
  document["findings"] = list_of(result.findings, result.findings.size(), [&result](const analysis::Finding& found) {
    return finding(found, result.endpoints[found.endpoint]);
  });
  document["sites"] = request_sites(result);
  const std::string missing = missing_sites(result);
  document["sites_reason"] = missing.empty() ? Json(nullptr) : Json(missing);
  document["folded"] = folded(result.folded);
  document["unmatched"] = list_of(result.unmatched, result.unmatched.size(), unmatched);
  return document;
}

}  // namespace heapledger::report
