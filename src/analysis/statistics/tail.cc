#include "analysis/statistics/tail.h"

#include <algorithm>
#include <cmath>

namespace heapledger::analysis::statistics {
namespace {

constexpr double kShortest = 1e-6;
constexpr std::size_t kLeastTail = 10;

}  // namespace

std::optional<double> tail_threshold(std::vector<double>& seconds, double probability) {
  const std::size_t n = seconds.size();
  if (n < kLeastDurations) {
    return std::nullopt;
  }
  const std::size_t k = std::max(kLeastTail, n / 10);
  const auto base = seconds.begin() + static_cast<std::ptrdiff_t>(n - k - 1);
  std::nth_element(seconds.begin(), base, seconds.end());
  const double below = std::max(*base, kShortest);
  double logs = 0;
  double largest = below;
  for (auto value = base + 1; value != seconds.end(); ++value) {
    logs += std::log(std::max(*value, kShortest) / below);
    largest = std::max(largest, *value);
  }
  const auto tail = static_cast<double>(k);
  return std::max(below * std::pow(tail / probability, logs / tail), 2 * largest);
}

}  // namespace heapledger::analysis::statistics
