#include "analysis/payload_modes.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "analysis/statistics/quantile.h"

namespace heapledger::analysis {
namespace {

constexpr double kLargeBytes = 1024.0 * 1024;
constexpr std::size_t kLeastLarge = 5;
constexpr double kFew = 0.1;
constexpr double kHeldShare = 0.5;

PayloadMode by_pieces(std::uint64_t in_pieces, std::uint64_t of) {
  if (in_pieces == 0) {
    return PayloadMode::kBuffered;
  }
  return in_pieces == of ? PayloadMode::kStreamed : PayloadMode::kMixed;
}

// In how many pieces a request's body came is the network's doing: those that the application asked for whole are held,
// and of the others only what came in pieces says that it takes pieces.
PayloadMode by_reading(const EndpointBodies& bodies) {
  std::uint64_t whole = 0;
  std::uint64_t in_pieces = 0;
  for (std::size_t i = 0; i < bodies.requests(); ++i) {
    if (bodies.sizes(kRequestSide)[i] > 0) {
      whole += bodies.asked_whole(i) ? 1 : 0;
      in_pieces += !bodies.asked_whole(i) && bodies.in_pieces(i, kRequestSide) ? 1 : 0;
    }
  }
  return by_pieces(in_pieces, whole + in_pieces);
}

double percentile(std::vector<double>& values, std::uint64_t percent) {
  const std::uint64_t rank = statistics::nearest_rank(values.size(), percent);
  return statistics::select_rank(std::span<double>(values), rank, 0);
}

std::optional<Treatment> by_requests(const EndpointBodies& bodies, const PeakModel& model, std::size_t side) {
  const double base = std::max(0.0, model.base_bytes());
  const double beside = model.slope(1 - side);
  std::vector<double> ratios;
  for (std::size_t i = 0; i < bodies.requests(); ++i) {
    const auto size = static_cast<double>(bodies.sizes(side)[i]);
    if (size >= kLargeBytes && bodies.is_sound(i)) {
      const double rest = beside * static_cast<double>(bodies.sizes(1 - side)[i]);
      ratios.push_back((static_cast<double>(bodies.peaks()[i]) - base - rest) / size);
    }
  }
  if (ratios.size() < kLeastLarge) {
    return std::nullopt;
  }
  const auto held = std::count_if(ratios.begin(), ratios.end(), [](double ratio) { return ratio >= kHeldShare; });
  const double share = static_cast<double>(held) / static_cast<double>(ratios.size());
  if (share >= kFew && share <= 1 - kFew) {
    return Treatment{PayloadMode::kMixed, percentile(ratios, 90)};
  }
  return Treatment{share < kFew ? PayloadMode::kStreamed : PayloadMode::kBuffered, percentile(ratios, 50)};
}

std::optional<Treatment> by_slope(const PayloadModel& model) {
  const auto& interval = model.amplification_ratio_interval;
  if (!interval || model.linear == std::optional(false)) {
    return std::nullopt;
  }
  if (interval->high < kHeldShare) {
    return Treatment{PayloadMode::kStreamed, model.amplification_ratio};
  }
  return interval->low >= kHeldShare ? std::optional(Treatment{PayloadMode::kBuffered, model.amplification_ratio})
                                     : std::nullopt;
}

// Nothing was held where no request ever had half of the smallest body.
bool never_held(const EndpointBodies& bodies, std::size_t side) {
  std::uint64_t smallest = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t highest = 0;
  for (std::size_t i = 0; i < bodies.requests(); ++i) {
    if (bodies.sizes(side)[i] > 0 && bodies.is_sound(i)) {
      smallest = std::min(smallest, bodies.sizes(side)[i]);
      highest = std::max(highest, bodies.peaks()[i]);
    }
  }
  return highest > 0 && static_cast<double>(highest) < kHeldShare * static_cast<double>(smallest);
}

}  // namespace

Treatment treatment_of(const EndpointBodies& bodies, const PeakModel& model, std::size_t side,
                       const PayloadDirection& direction) {
  if (direction.with_body == 0) {
    return {};
  }
  const ModelGap gap = model.of(side).gap;
  const bool told = model.exists() && (gap == ModelGap::kNone || gap == ModelGap::kMovesTogether);
  const std::optional<Treatment> slope = by_slope(model.of(side));
  if (const auto requests = told ? by_requests(bodies, model, side) : std::nullopt) {
    // Noise of the base larger than the bodies looks as if all were held.
    const bool noise = requests->mode == PayloadMode::kBuffered && slope && slope->mode == PayloadMode::kStreamed;
    return noise ? *slope : *requests;
  }
  if (slope) {
    return *slope;
  }
  const bool streams = never_held(bodies, side);
  const PayloadMode otherwise =
      side == kRequestSide ? by_reading(bodies) : by_pieces(direction.in_pieces, direction.with_body);
  return {streams ? PayloadMode::kStreamed : otherwise, model.of(side).amplification_ratio};
}

}  // namespace heapledger::analysis
