#include "analysis/statistics/student.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace heapledger::analysis::statistics {

double student_quantile(double probability, double degrees) {
  return boost::math::quantile(boost::math::students_t(std::max(degrees, 1.0)), probability);
}

double student_two_sided(double t, double degrees) {
  return 2 * boost::math::cdf(boost::math::complement(boost::math::students_t(std::max(degrees, 1.0)), std::abs(t)));
}

Mean weighted_mean(std::span<const Point> points, double least_variance) {
  Mean mean;
  double weights = 0;
  for (const Point& point : points) {
    weights += point.weight;
    mean.value += point.weight * point.value;
  }
  if (!(weights > 0)) {
    return {};
  }
  mean.value /= weights;
  double squares = 0;
  for (const Point& point : points) {
    squares += point.weight * (point.value - mean.value) * (point.value - mean.value);
  }
  mean.degrees = std::max(1.0, static_cast<double>(points.size()) - 1);
  mean.error = std::sqrt(std::max(squares / mean.degrees, least_variance) / weights);
  return mean;
}

Trend fit_trend(std::span<const Point> points, double least_variance) {
  double weights = 0;
  double position = 0;
  Trend trend;
  for (const Point& point : points) {
    weights += point.weight;
    position += point.weight * point.position;
    trend.level += point.weight * point.value;
  }
  if (!(weights > 0)) {
    return {};
  }
  position /= weights;
  trend.level /= weights;
  double spread = 0;
  double product = 0;
  for (const Point& point : points) {
    spread += point.weight * (point.position - position) * (point.position - position);
    product += point.weight * (point.position - position) * (point.value - trend.level);
  }
  trend.slope = spread > 0 ? product / spread : 0;
  double squares = 0;
  for (const Point& point : points) {
    const double residual = point.value - trend.level - trend.slope * (point.position - position);
    squares += point.weight * residual * residual;
  }
  trend.degrees = std::max(1.0, static_cast<double>(points.size()) - 2);
  const double variance = std::max(squares / trend.degrees, least_variance);
  trend.slope_error = spread > 0 ? std::sqrt(variance / spread) : 0;
  return trend;
}

}  // namespace heapledger::analysis::statistics
