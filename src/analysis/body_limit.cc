#include "analysis/body_limit.h"

#include <algorithm>
#include <cmath>

#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

constexpr std::size_t kLeastBodies = 50;
constexpr std::size_t kMostPoints = 2'000;
constexpr double kLeastSpread = 1.5;
constexpr double kLeastRise = 0.2;
constexpr double kFarthest = 4;

// Evenly chosen by size, where there are more than a fit needs.
std::vector<statistics::QuantilePoint> thin(const std::vector<statistics::QuantilePoint>& bodies) {
  std::vector<statistics::QuantilePoint> points;
  const std::size_t stride = (bodies.size() + kMostPoints - 1) / kMostPoints;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    if (i % stride == 0 || i + 1 == bodies.size()) {
      points.push_back(bodies[i]);
    }
  }
  return points;
}

}  // namespace

SafeBody body_limit(std::vector<statistics::QuantilePoint> bodies, double room_bytes, double at_once) {
  SafeBody limit;
  if (bodies.empty()) {
    limit.reason = "its requests have no bodies";
    return limit;
  }
  std::sort(bodies.begin(), bodies.end(), [](const auto& a, const auto& b) { return a.x < b.x; });
  const double largest = bodies.back().x;
  limit.largest_bytes = rounded_count(largest);
  if (bodies.size() < kLeastBodies) {
    limit.reason = std::to_string(bodies.size()) + " bodies, needs about " + std::to_string(kLeastBodies);
    return limit;
  }
  const double small = bodies[bodies.size() / 10].x;
  if (largest < kLeastSpread * small) {
    limit.reason = "its bodies are all of about one size";
    return limit;
  }
  double highest = 0;
  for (const statistics::QuantilePoint& body : bodies) {
    highest = std::max(highest, body.y);
  }
  const statistics::QuantileLine line = statistics::fit_quantile_line(thin(bodies), 0.99);
  if (line.slope * (largest - small) < kLeastRise * highest) {
    limit.reason = "its peak does not depend on its body";
    return limit;
  }
  const double most = (room_bytes / at_once - line.level) / line.slope;
  if (most > kFarthest * largest) {
    limit.reason = "it would be far beyond the largest body recorded";
  } else if (!(most >= 1)) {
    limit.reason = "not even an empty body fits";
  } else {
    limit.max_bytes = static_cast<std::uint64_t>(most);
  }
  return limit;
}

}  // namespace heapledger::analysis
