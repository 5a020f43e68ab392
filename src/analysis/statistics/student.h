// Means and straight lines through few points, with Student's t for what is not known of their noise.
//
// Assumptions: points are independent, their noise is normal and its variance falls as 1 / weight (each point is a mean
// over `weight` like things). With a handful of points that is what can be afforded; the callers' own margins cover
// the rest, as their simulations show. Pure functions; no allocation; fork-safe.
// Source: Draper and Smith, Applied Regression Analysis, 3rd edition, chapters 1 and 9 (weighted least squares).
#pragma once

#include <span>

namespace heapledger::analysis::statistics {

struct Point {
  double position = 0;
  double value = 0;
  double weight = 1;  // above 0
};

// t with P(T <= t) = probability; 0 < probability < 1, degrees >= 1.
double student_quantile(double probability, double degrees);

// P(|T| >= |t|).
double student_two_sided(double t, double degrees);

// m = sum w y / sum w; se^2 = s^2 / sum w, s^2 = sum w (y - m)^2 / (n - 1).
// `least_variance`: of one value of weight 1, when it is known to be no less; takes the place of a smaller s^2.
struct Mean {
  double value = 0;
  double error = 0;  // standard error
  double degrees = 0;
};
Mean weighted_mean(std::span<const Point> points, double least_variance = 0);

// y = level + slope (x - mean x) by weighted least squares; slope_error^2 = s^2 / sum w (x - mean x)^2 with
// s^2 = sum w residual^2 / (n - 2), no less than least_variance. Three points at least, at two positions at least.
struct Trend {
  double level = 0;
  double slope = 0;
  double slope_error = 0;
  double degrees = 0;
};
Trend fit_trend(std::span<const Point> points, double least_variance = 0);

}  // namespace heapledger::analysis::statistics
