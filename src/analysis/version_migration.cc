#include "analysis/version_migration.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include "analysis/row_arithmetic.h"
#include "analysis/statistics/block_quantile.h"
#include "analysis/version_blocks.h"
#include "analysis/version_retention.h"

namespace heapledger::analysis {
namespace {

constexpr int kCapacityParts = 10;

double share(double part, double all) { return all > 0 ? part / all : 0; }

double rate_of(const VersionSide& side, const VersionSides& recording) {
  return share(static_cast<double>(side.requests), recording.seconds());
}

double mean_byte_seconds(const VersionSide& side) {
  return share(side.byte_seconds, static_cast<double>(side.requests));
}

// The version that takes a side's place: of the pair that it is the older one of.
const SidePair* successor_of(const VersionSide& side, const VersionPairing& pairing) {
  const auto found = std::find_if(pairing.pairs.begin(), pairing.pairs.end(),
                                  [&side](const SidePair& pair) { return pair.from == &side && pair.to != &side; });
  return found == pairing.pairs.end() ? nullptr : &*found;
}

const recording::EndpointNoticeRow* notice_of(const VersionSide& side, const VersionNotices& notices) {
  for (const recording::EndpointNoticeRow& notice : notices.notices) {
    if (std::find(side.endpoints.begin(), side.endpoints.end(), notice.endpoint) != side.endpoints.end()) {
      return &notice;
    }
  }
  return nullptr;
}

// What a share of the old versions' traffic, moved to the new ones, holds: level + share * slope, and the half width of
// its interval, for one route.
struct Slope {
  double old_rate = 0;
  double old_cost = 0;
  double old_half_width = 0;
  double new_rate = 0;
  double new_cost = 0;
  double new_half_width = 0;
};

double half_width_of(const VersionSide& side, double confidence_ratio) {
  if (side.columns.size() == 0) {
    return 0;
  }
  const VersionBlocks blocks = cut_into_blocks(side.columns.worker);
  std::vector<statistics::BlockedValue> values(side.columns.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = {side.columns.byte_seconds[i], blocks.of_request[i]};
  }
  const auto mean = statistics::block_mean(values, static_cast<std::uint32_t>(blocks.worker.size()), confidence_ratio);
  return (mean.high - mean.low) / 2;
}

std::vector<Slope> slopes_of(const VersionSides& recording, const std::vector<JudgedPair>& pairs,
                             double confidence_ratio) {
  std::vector<Slope> slopes;
  for (const JudgedPair& pair : pairs) {
    const VersionSide& from = *pair.sides->from;
    const VersionSide& to = *pair.sides->to;
    if (from.requests > 0 && to.requests > 0) {
      const bool apart = recording.of_endpoint(to.endpoints.front()) != &to;
      slopes.push_back({rate_of(from, recording), mean_byte_seconds(from), half_width_of(from, confidence_ratio),
                        apart ? 0 : rate_of(to, recording), mean_byte_seconds(to),
                        half_width_of(to, confidence_ratio)});
    }
  }
  return slopes;
}

MigrationCapacity capacity_at(double migrated, double now_bytes, const std::vector<Slope>& slopes) {
  double bytes = now_bytes;
  double squares = 0;
  for (const Slope& slope : slopes) {
    bytes += migrated * slope.old_rate * (slope.new_cost - slope.old_cost);
    squares += std::pow((1 - migrated) * slope.old_rate * slope.old_half_width, 2);
    squares += std::pow((migrated * slope.old_rate + slope.new_rate) * slope.new_half_width, 2);
  }
  const double reach = std::sqrt(squares);
  return {migrated, std::max(0.0, bytes), {std::max(0.0, bytes - reach), std::max(0.0, bytes + reach)}};
}

MigrationAction action_for(VersionVerdict verdict) {
  switch (verdict) {
    case VersionVerdict::kRegression:
      return MigrationAction::kFixFirst;
    case VersionVerdict::kInconclusive:
      return MigrationAction::kMeasure;
    case VersionVerdict::kImprovement:
    case VersionVerdict::kSame:
      break;
  }
  return MigrationAction::kMigrate;
}

void add_rank(MigrationStep& step, const JudgedPair& pair, const VersionSides& recording) {
  const VersionSide& from = *pair.sides->from;
  const VersionSide& to = *pair.sides->to;
  step.requests_per_second = rate_of(from, recording);
  if (from.requests > 0 && to.requests > 0) {
    step.mean_live_bytes_change = step.requests_per_second * (mean_byte_seconds(to) - mean_byte_seconds(from));
  }
}

}  // namespace

std::vector<DeprecatedEndpoint> deprecated_endpoints(const VersionSides& recording, const VersionPairing& pairing,
                                                     const LeaksResult& leaks, const VersionNotices& notices) {
  std::map<std::pair<std::string, std::string>, std::uint64_t> of_route;
  for (const auto& [key, side] : recording.sides()) {
    of_route[{side.id.method, side.route}] += side.requests;
  }
  std::vector<DeprecatedEndpoint> found;
  for (const auto& [key, side] : recording.sides()) {
    const recording::EndpointNoticeRow* notice = notice_of(side, notices);
    if (!side.has_requests || (!side.deprecated && notice == nullptr)) {
      continue;
    }
    DeprecatedEndpoint& endpoint = found.emplace_back();
    endpoint.id = side.id;
    endpoint.requests = side.requests;
    const auto requests = static_cast<double>(side.requests);
    endpoint.requests_ratio = share(requests, static_cast<double>(recording.requests()));
    endpoint.route_requests_ratio = share(requests, static_cast<double>(of_route[{side.id.method, side.route}]));
    endpoint.byte_seconds_ratio = share(side.byte_seconds, recording.byte_seconds());
    endpoint.requests_per_second = rate_of(side, recording);
    endpoint.mean_live_bytes = share(side.byte_seconds, recording.seconds());
    if (side.requests > 0) {
      endpoint.last_request_unix_us = add_limited(recording.tables().meta.started_unix_ns / 1000, side.last_us);
    }
    const VersionRetention retention = retention_of(side, recording, leaks);
    if (retention.bytes_per_request) {
      endpoint.retained_bytes = retention.retained_bytes;
    }
    const SidePair* successor = successor_of(side, pairing);
    endpoint.replaced_by = successor == nullptr ? "" : successor->to->id.version;
    endpoint.deprecation = notice == nullptr ? "" : notice->deprecation;
    endpoint.sunset = notice == nullptr ? "" : notice->sunset;
  }
  std::stable_sort(found.begin(), found.end(), [](const DeprecatedEndpoint& a, const DeprecatedEndpoint& b) {
    return a.mean_live_bytes > b.mean_live_bytes;
  });
  return found;
}

std::vector<CompatibilityCost> compatibility_costs(const VersionSides& recording, const VersionNotices& notices) {
  std::map<std::pair<std::string, const VersionSide*>, CompatibilityCost> costs;
  for (const recording::CompatMarkRow& row : notices.marks) {
    const VersionSide* side = row.endpoint ? recording.of_endpoint(*row.endpoint) : nullptr;
    if (row.name.empty() || row.name == kVersionAltered || !recording.selection().has_worker(row.worker) ||
        (row.endpoint && side == nullptr)) {
      continue;
    }
    CompatibilityCost& cost = costs[{row.name, side}];
    cost.name = row.name;
    cost.endpoint = side == nullptr ? std::nullopt : std::optional(side->id);
    cost.calls += count_of(row.calls);
    cost.allocated_bytes += count_of(row.allocated_bytes);
    cost.peak_bytes = std::max(cost.peak_bytes, count_of(row.peak_bytes));
    cost.duration_seconds += static_cast<double>(row.duration_us) / 1e6;
    if (side != nullptr && side->allocated_bytes > 0) {
      cost.allocated_ratio = std::min(1.0, static_cast<double>(cost.allocated_bytes) / side->allocated_bytes);
    }
  }
  std::vector<CompatibilityCost> sorted;
  for (auto& [key, cost] : costs) {
    sorted.push_back(std::move(cost));
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const CompatibilityCost& a, const CompatibilityCost& b) {
    return std::tuple(b.allocated_bytes, a.name) < std::tuple(a.allocated_bytes, b.name);
  });
  return sorted;
}

std::vector<MigrationStep> migration_steps(const VersionSides& recording, const std::vector<JudgedPair>& pairs,
                                           const VersionPairing& pairing) {
  std::vector<MigrationStep> steps;
  for (const JudgedPair& pair : pairs) {
    MigrationStep& step = steps.emplace_back();
    step.action = action_for(pair.verdict);
    step.method = pair.sides->from->id.method;
    step.route = pair.sides->route;
    step.from = pair.sides->from_name;
    step.to = pair.sides->to_name;
    add_rank(step, pair, recording);
  }
  for (const VersionSide* side : pairing.removed) {
    MigrationStep& step = steps.emplace_back();
    step.action = MigrationAction::kNoSuccessor;
    step.method = side->id.method;
    step.route = side->route;
    step.from = side->id.version;
    step.requests_per_second = rate_of(*side, recording);
  }
  std::stable_sort(steps.begin(), steps.end(), [](const MigrationStep& a, const MigrationStep& b) {
    return std::tuple(a.action, a.mean_live_bytes_change.value_or(0)) <
           std::tuple(b.action, b.mean_live_bytes_change.value_or(0));
  });
  return steps;
}

std::vector<MigrationCapacity> migration_capacity(const VersionSides& recording, const std::vector<JudgedPair>& pairs,
                                                  double confidence_ratio) {
  const std::vector<Slope> slopes = slopes_of(recording, pairs, confidence_ratio);
  std::vector<MigrationCapacity> capacity;
  if (slopes.empty() || recording.seconds() <= 0) {
    return capacity;
  }
  const double now_bytes = recording.byte_seconds() / recording.seconds();
  for (int part = 0; part <= kCapacityParts; ++part) {
    capacity.push_back(capacity_at(static_cast<double>(part) / kCapacityParts, now_bytes, slopes));
  }
  return capacity;
}

}  // namespace heapledger::analysis
