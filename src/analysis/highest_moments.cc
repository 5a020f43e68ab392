#include "analysis/highest_moments.h"

#include <algorithm>

#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {

void HighestMoments::add(std::int64_t worker, const MomentView& moment) {
  Moment& highest = moments_[{worker, moment.at_us / span_us_}];
  if (moment.bytes <= highest.bytes) {
    return;
  }
  highest.at_us = moment.at_us;
  highest.bytes = moment.bytes;
  highest.parts.clear();
  for (const std::uint32_t endpoint : moment.endpoints) {
    const double peak = endpoint == moment.peaking_endpoint ? moment.peaking_bytes : 0;
    highest.parts.push_back({endpoint, moment.requests[endpoint], moment.live_bytes[endpoint] + peak});
  }
}

std::vector<SharedMoment> HighestMoments::describe(const std::vector<recording::EndpointRow>& endpoints,
                                                   std::int64_t started_unix_us) const {
  std::vector<std::pair<std::int64_t, const Moment*>> all;
  for (const auto& [key, moment] : moments_) all.emplace_back(key.first, &moment);
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& left, const auto& right) { return left.second->bytes > right.second->bytes; });
  all.resize(std::min(all.size(), kKept));
  std::vector<SharedMoment> shared;
  for (const auto& [worker, moment] : all) {
    SharedMoment& one = shared.emplace_back();
    one.at_unix_us = add_limited(started_unix_us, moment->at_us);
    one.worker = worker;
    one.live_bytes = rounded_count(moment->bytes);
    for (const Part& part : moment->parts) {
      const recording::EndpointRow& row = endpoints[part.endpoint];
      one.by_endpoint.push_back({row.method, row.route, row.version, part.requests, rounded_count(part.live_bytes)});
    }
    std::stable_sort(one.by_endpoint.begin(), one.by_endpoint.end(),
                     [](const auto& left, const auto& right) { return left.live_bytes > right.live_bytes; });
  }
  return shared;
}

std::uint64_t times_together(const std::vector<SharedMoment>& moments, const EndpointId& one, const EndpointId& other) {
  const auto is = [](const HolderGroup& group, const EndpointId& id) {
    return group.method == id.method && group.route == id.route && group.version == id.version;
  };
  std::uint64_t times = 0;
  for (const SharedMoment& moment : moments) {
    const auto holds = [&](const EndpointId& id, std::uint64_t least) {
      return std::any_of(moment.by_endpoint.begin(), moment.by_endpoint.end(),
                         [&](const HolderGroup& group) { return is(group, id) && group.requests >= least; });
    };
    const bool same = one.method == other.method && one.route == other.route && one.version == other.version;
    times += same ? (holds(one, 2) ? 1 : 0) : (holds(one, 1) && holds(other, 1) ? 1 : 0);
  }
  return times;
}

}  // namespace heapledger::analysis
