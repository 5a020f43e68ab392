#include "analysis/statistics/quantile_line.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace heapledger::analysis::statistics {
namespace {

constexpr int kSteps = 80;

struct Fit {
  double level = 0;
  double loss = 0;
};

Fit fit_level(const std::vector<QuantilePoint>& points, double share, double slope, std::vector<double>& rest) {
  for (std::size_t i = 0; i < points.size(); ++i) {
    rest[i] = points[i].y - slope * points[i].x;
  }
  const auto rank = std::min(rest.size() - 1, static_cast<std::size_t>(share * static_cast<double>(rest.size())));
  std::nth_element(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(rank), rest.end());
  Fit fit{rest[rank], 0};
  for (const double value : rest) {
    const double distance = value - fit.level;
    fit.loss += distance * (distance < 0 ? share - 1 : share);
  }
  return fit;
}

}  // namespace

QuantileLine fit_quantile_line(const std::vector<QuantilePoint>& points, double share) {
  const double golden = (std::sqrt(5.0) - 1) / 2;
  double high = 0;
  for (const QuantilePoint& point : points) {
    high = point.x > 0 ? std::max(high, point.y / point.x) : high;
  }
  double low = 0;
  std::vector<double> rest(points.size());
  double left = high - golden * (high - low);
  double right = low + golden * (high - low);
  double left_loss = fit_level(points, share, left, rest).loss;
  double right_loss = fit_level(points, share, right, rest).loss;
  for (int step = 0; step < kSteps; ++step) {
    if (left_loss <= right_loss) {
      high = std::exchange(right, left);
      right_loss = left_loss;
      left = high - golden * (high - low);
      left_loss = fit_level(points, share, left, rest).loss;
    } else {
      low = std::exchange(left, right);
      left_loss = right_loss;
      right = low + golden * (high - low);
      right_loss = fit_level(points, share, right, rest).loss;
    }
  }
  const double slope = (low + high) / 2;
  return {fit_level(points, share, slope, rest).level, slope};
}

}  // namespace heapledger::analysis::statistics
