#include "analysis/statistics/linear_program.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace heapledger::analysis::statistics {
namespace {

constexpr int kMostSteps = 500;
constexpr double kSingular = 1e-9;  // of a determinant whose columns were scaled to 1

}  // namespace

QuantileProgram::QuantileProgram(std::vector<std::vector<double>> columns, double tau)
    : columns_(std::move(columns)), tau_(tau), residuals_(columns_.front().size()), in_basis_(residuals_.size()) {}

// Gauss-Jordan with the largest pivot; false: the rows are as good as dependent.
bool QuantileProgram::invert_basis() {
  const std::size_t size = columns_.size();
  std::array<std::array<double, 2 * kMostColumns>, kMostColumns> work{};
  Coefficients scale{};
  for (std::size_t c = 0; c < size; ++c) {
    for (std::size_t r = 0; r < size; ++r) {
      scale[c] = std::max(scale[c], std::abs(columns_[c][basis_[r]]));
    }
    if (!(scale[c] > 0)) return false;
    for (std::size_t r = 0; r < size; ++r) {
      work[r][c] = columns_[c][basis_[r]] / scale[c];
    }
    work[c][size + c] = 1;
  }
  for (std::size_t c = 0; c < size; ++c) {
    std::size_t pivot = c;
    for (std::size_t r = c + 1; r < size; ++r) {
      if (std::abs(work[r][c]) > std::abs(work[pivot][c])) pivot = r;
    }
    if (std::abs(work[pivot][c]) < kSingular) return false;
    std::swap(work[c], work[pivot]);
    const double divisor = work[c][c];
    for (double& value : work[c]) value /= divisor;
    for (std::size_t r = 0; r < size; ++r) {
      const double factor = r == c ? 0 : work[r][c];
      for (std::size_t k = 0; k < 2 * size; ++k) work[r][k] -= factor * work[c][k];
    }
  }
  for (std::size_t r = 0; r < size; ++r) {
    for (std::size_t c = 0; c < size; ++c) inverse_[r][c] = work[r][size + c] / scale[r];
  }
  return true;
}

// Rows far apart: the first one, then the one farthest from what the columns so far explain.
bool QuantileProgram::find_basis() {
  std::vector<std::vector<double>> left = columns_;
  for (std::size_t k = 0; k < columns_.size(); ++k) {
    std::vector<double>& column = left[k];
    const auto larger = [](double a, double b) { return std::abs(a) < std::abs(b); };
    const auto farthest = std::max_element(column.begin(), column.end(), larger);
    if (farthest == column.end() || *farthest == 0) return false;
    basis_[k] = static_cast<std::size_t>(farthest - column.begin());
    for (std::size_t later = k + 1; later < columns_.size(); ++later) {
      const double factor = left[later][basis_[k]] / column[basis_[k]];
      for (std::size_t i = 0; i < column.size(); ++i) left[later][i] -= factor * column[i];
    }
  }
  return invert_basis();
}

double QuantileProgram::along(std::size_t row, std::size_t edge) const {
  double sum = 0;
  for (std::size_t c = 0; c < columns_.size(); ++c) sum += columns_[c][row] * inverse_[c][edge];
  return sum;
}

void QuantileProgram::refresh(const std::vector<double>& y) {
  coefficients_ = {};
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    for (std::size_t j = 0; j < columns_.size(); ++j) coefficients_[c] += inverse_[c][j] * y[basis_[j]];
  }
  std::fill(in_basis_.begin(), in_basis_.end(), false);
  for (std::size_t j = 0; j < columns_.size(); ++j) in_basis_[basis_[j]] = true;
  for (std::size_t i = 0; i < residuals_.size(); ++i) {
    double fitted = 0;
    for (std::size_t c = 0; c < columns_.size(); ++c) fitted += columns_[c][i] * coefficients_[c];
    residuals_[i] = in_basis_[i] ? 0 : y[i] - fitted;
  }
}

QuantileProgram::Descent QuantileProgram::steepest() const {
  Coefficients sums{};
  for (std::size_t i = 0; i < residuals_.size(); ++i) {
    if (in_basis_[i]) continue;
    const double score = tau_ - (residuals_[i] < 0 ? 1 : 0);
    for (std::size_t c = 0; c < columns_.size(); ++c) sums[c] += score * columns_[c][i];
  }
  Descent best;
  for (std::size_t j = 0; j < columns_.size(); ++j) {
    double score = 0;
    for (std::size_t c = 0; c < columns_.size(); ++c) score += sums[c] * inverse_[c][j];
    const double forward = -score + (1 - tau_);
    const double backward = score + tau_;
    if (forward < best.slope) best = {j, 1, forward};
    if (backward < best.slope) best = {j, -1, backward};
  }
  return best;
}

bool QuantileProgram::step(const Descent& descent) {
  crossings_.clear();
  for (std::size_t i = 0; i < residuals_.size(); ++i) {
    if (in_basis_[i]) continue;
    const double change = descent.sign * along(i, descent.edge);
    if (change != 0 && residuals_[i] / change > 0) crossings_.push_back({residuals_[i] / change, std::abs(change), i});
  }
  double slope = descent.slope;
  auto from = crossings_.begin();
  auto end = crossings_.end();
  const auto nearer = [](const Crossing& a, const Crossing& b) { return a.distance < b.distance; };
  // Weighted selection: halves until the crossing is found at which the sum of slopes turns.
  while (end - from > 1) {
    const auto middle = from + (end - from) / 2;
    std::nth_element(from, middle, end, nearer);
    const double before =
        std::accumulate(from, middle, 0.0, [](double sum, const Crossing& c) { return sum + c.weight; });
    if (slope + before >= 0) {
      end = middle;
    } else {
      slope += before;
      from = middle;
    }
  }
  if (from == end) return false;
  const std::size_t before = basis_[descent.edge];
  basis_[descent.edge] = from->row;
  if (invert_basis()) return true;
  basis_[descent.edge] = before;
  invert_basis();
  return false;
}

bool QuantileProgram::solve(const std::vector<double>& y) {
  if (rows() < columns_.size()) return false;
  has_basis_ = has_basis_ || find_basis();
  if (!has_basis_) return false;
  // The sums that slopes are made of lose digits: what is steep by less than that is level.
  const double level = -1e-7;
  for (int steps = 0; steps < kMostSteps; ++steps) {
    refresh(y);
    const Descent descent = steepest();
    if (descent.slope >= level || !step(descent)) return true;
  }
  return true;
}

double QuantileProgram::score_of(const std::vector<double>& c) const {
  Coefficients sums{};
  double score = 0;
  for (std::size_t i = 0; i < residuals_.size(); ++i) {
    if (in_basis_[i]) continue;
    const double sign = tau_ - (residuals_[i] < 0 ? 1 : 0);
    score += sign * c[i];
    for (std::size_t k = 0; k < columns_.size(); ++k) sums[k] += sign * columns_[k][i];
  }
  for (std::size_t j = 0; j < columns_.size(); ++j) {
    double balance = 0;
    for (std::size_t k = 0; k < columns_.size(); ++k) balance += sums[k] * inverse_[k][j];
    score -= balance * c[basis_[j]];
  }
  return score;
}

}  // namespace heapledger::analysis::statistics
