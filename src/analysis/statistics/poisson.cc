#include "analysis/statistics/poisson.h"

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>

namespace heapledger::analysis::statistics {
namespace {

// From here on the normal law differs by less than a ten-thousandth, and the exact one takes its time.
constexpr double kNormalFrom = 1e6;

}  // namespace

CountInterval poisson_interval(std::uint64_t count, double confidence_ratio) {
  const double n = std::max<double>(1, static_cast<double>(count));
  const double tail = (1 - confidence_ratio) / 2;
  if (n > kNormalFrom) {
    const double error = boost::math::quantile(boost::math::complement(boost::math::normal(), tail)) / std::sqrt(n);
    return {1 - error, 1 + error};
  }
  const boost::math::chi_squared below(2 * n);
  const boost::math::chi_squared above(2 * n + 2);
  return {boost::math::quantile(below, tail) / (2 * n),
          boost::math::quantile(boost::math::complement(above, tail)) / (2 * n)};
}

}  // namespace heapledger::analysis::statistics
