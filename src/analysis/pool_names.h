// Endpoints and stacks of a recording by their ids, as results name them. One thread at a time; allocates.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "analysis/site_groups.h"
#include "heapledger/pool_monitor.h"
#include "recording/rows.h"

namespace heapledger::analysis {

class PoolNames {
 public:
  // Both must outlive this object.
  PoolNames(const std::vector<recording::EndpointRow>& endpoints, const SiteTables& code) : stacks_(code) {
    for (const recording::EndpointRow& endpoint : endpoints) {
      endpoints_[endpoint.id] = &endpoint;
    }
  }

  CodeStack stack(const std::optional<std::int64_t>& id) const { return stacks_.stack(id); }

  // Null: none, or not known.
  const recording::EndpointRow* endpoint(const std::optional<std::int64_t>& id) const {
    const auto found = id ? endpoints_.find(*id) : endpoints_.end();
    return found == endpoints_.end() ? nullptr : found->second;
  }

  std::optional<PoolRequest> request(const std::optional<std::int64_t>& endpoint_id,
                                     const std::optional<std::int64_t>& sequence) const {
    if (!sequence) {
      return std::nullopt;
    }
    PoolRequest request;
    request.sequence = *sequence < 0 ? 0 : static_cast<std::uint64_t>(*sequence);
    if (const recording::EndpointRow* row = endpoint(endpoint_id)) {
      request.method = row->method;
      request.route = row->route;
      request.version = row->version;
    }
    return request;
  }

 private:
  SiteGrouping stacks_;
  std::unordered_map<std::int64_t, const recording::EndpointRow*> endpoints_;
};

}  // namespace heapledger::analysis
