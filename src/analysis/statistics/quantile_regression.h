// Quantile regression with one or two variables, exact, with intervals that do not assume equal noise.
//
// Model: the tau quantile of y given x is b0 + b1 x1 (+ b2 x2). The fit minimises sum rho(y - x b) with
// rho(r) = r (tau - [r < 0]): the vertex of a linear program, found by descending along edges, each step to the
// weighted quantile of where the other rows' residuals change sign.
//
// Interval of one coefficient: the values k that the rank score test does not reject. With a_i = [r_i > 0] of the fit
// of the others to y - k c (c: the variable of k; rows that the fit passes through get the a_i that balance it),
//
//   T(k) = sum c_i (a_i - (1 - tau)),   variance tau (1 - tau) sum (c_i - chat_i)^2
//
// where chat projects c on the other variables by least squares weighted with the density of the noise at each row:
// f_i = 2 h / (x_i (b(tau + h) - b(tau - h))), h after Hall and Sheather. T falls as k grows; its ends are found by
// bisection, with Student's t for the normal quantile.
//
// Assumptions: rows are independent given x; rows may be chosen by x in any way, not by y. Noise may depend on x.
// Values are whole numbers (bytes): ties are broken by less than a quarter of one, the same in every run.
// Sources: R. Koenker, Quantile Regression, Cambridge 2005, sections 3.4.2, 3.5.4, 4.3, 6.2 (rank tests, densities);
// R. Koenker and J. Machado, JASA 94 (1999), section 3; P. Bloomfield and W. Steiger, SIAM J. Sci. Stat. Comput. 1
// (1980) (descent); P. Hall and S. Sheather, JRSS B 50 (1988) (bandwidth). Pure; thread-safe; allocates; fork-safe.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

namespace heapledger::analysis::statistics {

struct RegressionRow {
  std::array<double, 2> x{};
  double y = 0;
};

struct CoefficientInterval {
  double low = 0;
  double high = 0;
  // The constant and the other slope that fit best where this slope is held at its ends.
  std::array<double, 2> at_low{};
  std::array<double, 2> at_high{};
};

struct QuantileFit {
  double constant = 0;
  std::array<double, 2> slopes{};
};

class QuantileRegression {
 public:
  // `variables`: 1 or 2 of a row's x take part. The rows must outlive this object.
  QuantileRegression(std::span<const RegressionRow> rows, std::size_t variables, double tau = 0.5);

  // Absent where the rows do not settle it: fewer than the coefficients, or x that lie on one line.
  std::optional<QuantileFit> fit() const;

  // Of the slope of this variable, 0 or 1; absent where one side has no end. `fit` is fit()'s.
  std::optional<CoefficientInterval> interval(std::size_t variable, const QuantileFit& fit,
                                              double confidence_ratio) const;

 private:
  std::span<const RegressionRow> rows_;
  std::size_t variables_;
  double tau_;
};

}  // namespace heapledger::analysis::statistics
