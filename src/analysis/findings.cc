#include "analysis/findings.h"

#include <optional>

namespace heapledger::analysis {
namespace {

std::optional<Finding> keeps(const EndpointCost& endpoint) {
  if (endpoint.recorded_requests < kKeptMinimumRequests || endpoint.recurring_requests < kKeptMinimumRecurring) {
    return std::nullopt;
  }
  const std::uint64_t per_request = endpoint.recurring_bytes / endpoint.recurring_requests;
  const std::uint64_t left = endpoint.escaped_bytes.p50 + endpoint.after_response_bytes.p50;
  const bool spread = left >= per_request - per_request / 2;
  const bool heavy = endpoint.recurring_bytes >= kKeptBytes || per_request >= kSteepPerRequestBytes;
  if (per_request < kKeptPerRequestBytes || !spread || !heavy) {
    return std::nullopt;
  }
  Finding finding;
  finding.kind = FindingKind::kKeeps;
  finding.bytes = per_request;
  finding.total_bytes = endpoint.retained_bytes;
  return finding;
}

std::optional<Finding> costs(const EndpointCost& endpoint, std::size_t endpoints) {
  if (endpoints < 2 || endpoint.cost_ratio < kDominatingRatio) {
    return std::nullopt;
  }
  Finding finding;
  finding.kind = FindingKind::kCost;
  finding.ratio = endpoint.cost_ratio;
  return finding;
}

std::optional<Finding> peaks(const EndpointCost& endpoint, const Peak* highest) {
  if (highest == nullptr || highest->live_bytes == 0) {
    return std::nullopt;
  }
  Finding finding;
  finding.kind = FindingKind::kPeak;
  for (const HolderGroup& group : highest->by_endpoint) {
    if (group.method == endpoint.method && group.route == endpoint.route && group.version == endpoint.version) {
      finding.bytes += group.live_bytes;
    }
  }
  finding.total_bytes = highest->live_bytes;
  finding.ratio = static_cast<double>(finding.bytes) / static_cast<double>(highest->live_bytes);
  return finding.ratio >= kDominatingRatio ? std::optional(finding) : std::nullopt;
}

}  // namespace

std::vector<Finding> find_findings(const std::vector<EndpointCost>& endpoints, const Peak* highest) {
  std::vector<Finding> findings;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    for (auto& finding : {keeps(endpoints[i]), costs(endpoints[i], endpoints.size()), peaks(endpoints[i], highest)}) {
      if (finding) {
        findings.push_back(*finding);
        findings.back().endpoint = i;
      }
    }
  }
  return findings;
}

}  // namespace heapledger::analysis
