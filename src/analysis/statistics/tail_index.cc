#include "analysis/statistics/tail_index.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace heapledger::analysis::statistics {

double Tail::above(double x) const {
  const double y = std::max(0.0, x - threshold) / scale;
  if (std::abs(index) < 1e-6) {
    return share * std::exp(-y);
  }
  const double base = 1 + index * y;
  return base > 0 ? share * std::pow(base, -1 / index) : 0;
}

std::optional<Tail> fit_tail(std::vector<double>& values) {
  const std::size_t exceedances = values.size() / 10;
  if (exceedances < kLeastExceedances) {
    return std::nullopt;
  }
  std::partial_sort(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(exceedances) + 1, values.end(),
                    std::greater<>());
  Tail tail;
  tail.threshold = values[exceedances];
  tail.largest = values[0];
  if (!(tail.threshold > 0) || tail.largest <= tail.threshold) {
    return std::nullopt;
  }
  double first = 0;
  double second = 0;
  for (std::size_t i = 0; i < exceedances; ++i) {
    const double y = std::log(values[i] / tail.threshold);
    first += y / static_cast<double>(exceedances);
    second += y * y / static_cast<double>(exceedances);
  }
  const double ratio = first * first / second;
  const double below = 1 - 0.5 / (1 - std::min(ratio, 1 - 1e-9));
  tail.index = first + below;
  tail.scale = tail.threshold * first * (1 - below);
  tail.share = static_cast<double>(exceedances) / static_cast<double>(values.size());
  const auto k = static_cast<double>(exceedances);
  tail.error = tail.index >= 0 ? std::sqrt((1 + tail.index * tail.index) / k)
                               : (1 - tail.index) * (1 - tail.index) / std::sqrt(k);
  return tail;
}

}  // namespace heapledger::analysis::statistics
