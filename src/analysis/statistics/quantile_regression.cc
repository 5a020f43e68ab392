#include "analysis/statistics/quantile_regression.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <cstdint>
#include <vector>

#include "analysis/statistics/linear_program.h"
#include "analysis/statistics/student.h"

namespace heapledger::analysis::statistics {
namespace {

using Column = std::vector<double>;

constexpr double kBandwidthConfidence = 0.95;
constexpr int kMostSteps = 40;
constexpr int kMostHalvings = 80;
constexpr double kClose = 1e-3;  // of the distance from the fit: so near its end is known
constexpr double kStride = 4;
constexpr double kMostDense = 10;

// Less than a quarter either way, from the row's number alone (the finaliser of splitmix64).
double tie_breaker(std::uint64_t row) {
  std::uint64_t z = row * 0x9E3779B97F4A7C15ULL + 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
  z ^= z >> 31U;
  return (static_cast<double>(z >> 11U) * 0x1.0p-53 - 0.5) / 2;
}

Column constant_column(std::size_t rows) { return Column(rows, 1.0); }

Column variable_column(std::span<const RegressionRow> rows, std::size_t variable) {
  Column column;
  column.reserve(rows.size());
  for (const RegressionRow& row : rows) column.push_back(row.x[variable]);
  return column;
}

Column response_column(std::span<const RegressionRow> rows) {
  Column column;
  column.reserve(rows.size());
  for (const RegressionRow& row : rows) column.push_back(row.y + tie_breaker(column.size()));
  return column;
}

std::vector<Column> design_of(std::span<const RegressionRow> rows, std::size_t variables, std::size_t without) {
  std::vector<Column> columns{constant_column(rows.size())};
  for (std::size_t v = 0; v < variables; ++v) {
    if (v != without) columns.push_back(variable_column(rows, v));
  }
  return columns;
}

constexpr std::size_t kNone = 2;  // no variable is left out

// Bandwidth of Hall and Sheather for the density at the quantile, kept inside (0, 1).
double bandwidth(double tau, std::size_t rows) {
  const boost::math::normal normal;
  const double at = boost::math::quantile(normal, tau);
  const double density = boost::math::pdf(normal, at);
  const double z = boost::math::quantile(normal, (1 + kBandwidthConfidence) / 2);
  const double n = static_cast<double>(rows);
  const double h =
      std::pow(n, -1.0 / 3) * std::pow(z, 2.0 / 3) * std::pow(1.5 * density * density / (2 * at * at + 1), 1.0 / 3);
  return std::min(h, 0.9 * std::min(tau, 1 - tau));
}

double fitted(const Coefficients& b, const std::vector<Column>& design, std::size_t row) {
  double sum = 0;
  for (std::size_t c = 0; c < design.size(); ++c) sum += b[c] * design[c][row];
  return sum;
}

// Density of the noise at each row; all alike where there is less noise than a byte.
Column densities(const std::vector<Column>& design, const Column& y, double tau) {
  const double h = bandwidth(tau, y.size());
  QuantileProgram above(design, tau + h);
  QuantileProgram below(design, tau - h);
  Column density(y.size(), 1.0);
  if (!above.solve(y) || !below.solve(y)) return density;
  double all = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    density[i] = fitted(above.coefficients(), design, i) - fitted(below.coefficients(), design, i);
    all += std::abs(density[i]);
  }
  // Where the two cross the noise is small, not without end: no density is more than ten times the usual one.
  const double least = std::max(1.0, all / static_cast<double>(y.size()) / kMostDense);
  for (double& value : density) value = 2 * h / std::max(value, least);
  return density;
}

// What is left of `column` after its projection on the design (one or two columns), by weighted least squares.
Column unexplained(const Column& column, const std::vector<Column>& design, const Column& weights) {
  Column left = column;
  std::vector<Column> orthogonal;
  for (const Column& other : design) {
    Column basis = other;
    for (const Column& earlier : orthogonal) {
      double product = 0, square = 0;
      for (std::size_t i = 0; i < basis.size(); ++i) {
        product += weights[i] * basis[i] * earlier[i];
        square += weights[i] * earlier[i] * earlier[i];
      }
      for (std::size_t i = 0; i < basis.size(); ++i) basis[i] -= square > 0 ? product / square * earlier[i] : 0;
    }
    orthogonal.push_back(basis);
    double product = 0, square = 0;
    for (std::size_t i = 0; i < left.size(); ++i) {
      product += weights[i] * left[i] * basis[i];
      square += weights[i] * basis[i] * basis[i];
    }
    for (std::size_t i = 0; i < left.size(); ++i) left[i] -= square > 0 ? product / square * basis[i] : 0;
  }
  return left;
}

// The rank score test of one slope, for any value of it.
class SlopeTest {
 public:
  SlopeTest(std::span<const RegressionRow> rows, std::size_t variables, std::size_t tested, double tau,
            double confidence_ratio)
      : tested_(variable_column(rows, tested)),
        y_(response_column(rows)),
        others_(design_of(rows, variables, tested), tau) {
    const Column density = densities(design_of(rows, variables, kNone), y_, tau);
    double squares = 0;
    for (const double value : unexplained(tested_, design_of(rows, variables, tested), density)) {
      squares += value * value;
    }
    const double degrees = static_cast<double>(rows.size()) - static_cast<double>(variables) - 1;
    limit_ = student_quantile((1 + confidence_ratio) / 2, degrees) * std::sqrt(tau * (1 - tau) * squares);
  }

  bool rejects(double slope) { return std::abs(score(slope)) > limit_; }

  // The constant and the other slope where the tested one is held at `slope`.
  std::array<double, 2> others_at(double slope) {
    score(slope);
    return {others_.coefficients()[0], others_.coefficients()[1]};
  }

  // From the fit outwards by steps that grow, then by halves; absent where nothing is rejected.
  std::optional<double> end(double fit, double step) {
    double inside = fit;
    double outside = fit + step;
    for (int n = 0; !rejects(outside); ++n) {
      if (n == kMostSteps) return std::nullopt;
      inside = outside;
      step *= kStride;
      outside += step;
    }
    for (int n = 0; n < kMostHalvings && std::abs(outside - inside) > kClose * std::abs(outside - fit); ++n) {
      const double middle = inside + (outside - inside) / 2;
      (rejects(middle) ? outside : inside) = middle;
    }
    return outside;
  }

 private:
  double score(double slope) {
    left_.resize(y_.size());
    for (std::size_t i = 0; i < y_.size(); ++i) left_[i] = y_[i] - slope * tested_[i];
    others_.solve(left_);
    return others_.score_of(tested_);
  }

  Column tested_;
  Column y_;
  Column left_;
  QuantileProgram others_;
  double limit_ = 0;
};

// The first step outwards: a quarter of a byte over the range of x, less than any interval that can be told.
double first_step(std::span<const RegressionRow> rows, std::size_t variable) {
  const auto [least, most] = std::minmax_element(
      rows.begin(), rows.end(),
      [variable](const RegressionRow& a, const RegressionRow& b) { return a.x[variable] < b.x[variable]; });
  return 0.25 / std::max(1.0, most->x[variable] - least->x[variable]);
}

}  // namespace

QuantileRegression::QuantileRegression(std::span<const RegressionRow> rows, std::size_t variables, double tau)
    : rows_(rows), variables_(variables), tau_(tau) {}

std::optional<QuantileFit> QuantileRegression::fit() const {
  if (rows_.size() <= variables_) return std::nullopt;
  QuantileProgram program(design_of(rows_, variables_, kNone), tau_);
  if (!program.solve(response_column(rows_))) return std::nullopt;
  const Coefficients& b = program.coefficients();
  return QuantileFit{b[0], {b[1], b[2]}};
}

std::optional<CoefficientInterval> QuantileRegression::interval(std::size_t variable, const QuantileFit& fit,
                                                                double confidence_ratio) const {
  if (rows_.size() <= variables_ + 1) return std::nullopt;
  SlopeTest test(rows_, variables_, variable, tau_, confidence_ratio);
  const double step = first_step(rows_, variable);
  const std::optional<double> low = test.end(fit.slopes[variable], -step);
  const std::optional<double> high = test.end(fit.slopes[variable], step);
  if (!low || !high) return std::nullopt;
  return CoefficientInterval{*low, *high, test.others_at(*low), test.others_at(*high)};
}

}  // namespace heapledger::analysis::statistics
