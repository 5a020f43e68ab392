#include "analysis/request_sites.h"

#include <algorithm>
#include <map>

#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

struct Endpoint {
  const recording::EndpointRow* row = nullptr;
  std::vector<const recording::SiteRow*> sites;
  double requests = 0;
};

void add_sites(const Endpoint& endpoint, const SiteGrouping& grouping, std::vector<RequestSite>& found) {
  const std::vector<SiteGroup> groups = grouping.group(endpoint.sites, &recording::SiteRow::allocated_bytes);
  double allocated = 0;
  double at_peak = 0;
  for (const SiteGroup& group : groups) {
    allocated += group.allocated_bytes;
    at_peak += group.peak_bytes;
  }
  for (const SiteGroup& group : groups) {
    RequestSite& site = found.emplace_back();
    site.method = endpoint.row->method;
    site.route = endpoint.row->route;
    site.version = endpoint.row->version;
    site.stack = group.stack;
    site.allocated_bytes = estimate_of(group.allocated_bytes / endpoint.requests, group.samples);
    site.peak_bytes = rounded_count(group.peak_bytes / endpoint.requests);
    site.samples = group.samples;
    site.allocated_ratio = allocated > 0 ? group.allocated_bytes / allocated : 0;
    site.peak_ratio = at_peak > 0 ? group.peak_bytes / at_peak : 0;
  }
}

}  // namespace

std::vector<RequestSite> sites_of_requests(const RecordingTables& tables, const SiteTables& code,
                                           const std::vector<recording::EndpointLifeRow>& lives,
                                           const Selection& selection) {
  std::map<std::int64_t, Endpoint> endpoints;
  for (const auto& row : tables.endpoints) {
    if (selection.has_endpoint(row)) {
      endpoints[row.id].row = &row;
    }
  }
  const auto chosen = [&](std::int64_t endpoint, std::int64_t worker) {
    const auto found = endpoints.find(endpoint);
    return found != endpoints.end() && selection.has_worker(worker) ? &found->second : nullptr;
  };
  for (const auto& life : lives) {
    if (Endpoint* endpoint = chosen(life.endpoint, life.worker)) {
      endpoint->requests += static_cast<double>(count_of(life.requests));
    }
  }
  for (const auto& site : code.sites) {
    Endpoint* endpoint = site.endpoint && site.samples > 0 ? chosen(*site.endpoint, site.worker) : nullptr;
    if (endpoint != nullptr) {
      endpoint->sites.push_back(&site);
    }
  }
  const SiteGrouping grouping(code);
  std::vector<RequestSite> found;
  for (const auto& [id, endpoint] : endpoints) {
    if (endpoint.requests > 0) {
      add_sites(endpoint, grouping, found);
    }
  }
  return found;
}

}  // namespace heapledger::analysis
