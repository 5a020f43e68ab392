#include "analysis/statistics/benjamini_hochberg.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace heapledger::analysis::statistics {

std::vector<double> benjamini_hochberg(std::span<const double> p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> q_values(p_values.size());
  double least = 1;
  for (std::size_t rank = order.size(); rank > 0; --rank) {
    const std::size_t i = order[rank - 1];
    least = std::min(least, p_values[i] * static_cast<double>(order.size()) / static_cast<double>(rank));
    q_values[i] = least;
  }
  return q_values;
}

}  // namespace heapledger::analysis::statistics
