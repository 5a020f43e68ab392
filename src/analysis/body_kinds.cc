#include "analysis/body_kinds.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

namespace heapledger::analysis {
namespace {

constexpr std::size_t kMostFitted = 1024;

std::string name_in(const std::unordered_map<std::int64_t, std::string>& names, std::optional<std::int64_t> id) {
  const auto found = id ? names.find(*id) : names.end();
  return found == names.end() ? std::string() : found->second;
}

ContentTypeCost cost_of(const EndpointBodies& bodies, const PeakModel& model, std::size_t side,
                        const std::vector<std::uint32_t>& requests) {
  ContentTypeCost cost;
  std::vector<std::uint32_t> sound;
  for (const std::uint32_t request : requests) {
    cost.bytes += bodies.sizes(side)[request];
    if (bodies.is_sound(request)) {
      sound.push_back(request);
    }
  }
  cost.direction = side == kRequestSide ? BodyDirection::kRequest : BodyDirection::kResponse;
  cost.requests = requests.size();
  cost.requests_needed = kLeastFitted;
  if (model.of(side).gap == ModelGap::kMovesTogether) {
    cost.gap = ModelGap::kMovesTogether;
    return cost;
  }
  std::vector<statistics::RegressionRow> rows;
  for (const std::uint32_t request : choose_by_size(bodies, std::move(sound), kMostFitted)) {
    const double rest = model.slope(1 - side) * static_cast<double>(bodies.sizes(1 - side)[request]);
    rows.push_back(
        {{static_cast<double>(bodies.sizes(side)[request]), 0}, static_cast<double>(bodies.peaks()[request]) - rest});
  }
  const SlopeEstimate slope = estimate_slope(std::move(rows));
  cost.gap = slope.gap;
  cost.amplification_ratio = slope.ratio;
  cost.amplification_ratio_interval = slope.interval;
  cost.requests_needed = slope.gap == ModelGap::kTooFewRequests ? kLeastFitted : 0;
  return cost;
}

bool is_dearer(const ContentTypeCost& a, const ContentTypeCost& b) {
  if (a.amplification_ratio.has_value() != b.amplification_ratio.has_value()) {
    return a.amplification_ratio.has_value();
  }
  if (a.amplification_ratio && *a.amplification_ratio != *b.amplification_ratio) {
    return *a.amplification_ratio > *b.amplification_ratio;
  }
  return a.requests != b.requests ? a.requests > b.requests
                                  : std::tie(a.direction, a.content_type, a.content_encoding) <
                                        std::tie(b.direction, b.content_type, b.content_encoding);
}

}  // namespace

std::vector<ContentTypeCost> rank_kinds(const EndpointBodies& bodies, const PeakModel& model,
                                        const PayloadNames& names) {
  std::vector<ContentTypeCost> costs;
  for (std::size_t side = 0; side < kSides; ++side) {
    std::map<std::uint32_t, std::vector<std::uint32_t>> by_kind;
    for (std::uint32_t i = 0; i < bodies.requests(); ++i) {
      if (bodies.sizes(side)[i] > 0) {
        by_kind[bodies.kind_number(i, side)].push_back(i);
      }
    }
    for (const auto& [kind, requests] : by_kind) {
      ContentTypeCost cost = cost_of(bodies, model, side, requests);
      cost.content_type = name_in(names.types, bodies.kinds()[kind].first);
      cost.content_encoding = name_in(names.encodings, bodies.kinds()[kind].second);
      costs.push_back(std::move(cost));
    }
  }
  std::sort(costs.begin(), costs.end(), is_dearer);
  return costs;
}

}  // namespace heapledger::analysis
