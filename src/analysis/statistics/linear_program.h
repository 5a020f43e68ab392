// The linear program behind quantile regression: see quantile_regression.h. Pure; one thread at a time; allocates.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace heapledger::analysis::statistics {

inline constexpr std::size_t kMostColumns = 3;
using Coefficients = std::array<double, kMostColumns>;

// min over b of sum (y_i - x_i b) (tau - [y_i < x_i b]), for one to three columns, in general position: no more rows on
// a plane than the plane needs. Callers break ties.
class QuantileProgram {
 public:
  // `columns[c][i]`: value of column c in row i.
  QuantileProgram(std::vector<std::vector<double>> columns, double tau);

  // False where no rows settle the coefficients. Starts at the last solution: nearby problems take few steps.
  bool solve(const std::vector<double>& y);

  const Coefficients& coefficients() const { return coefficients_; }

  // sum c_i (a_i - (1 - tau)) over all rows, at the solution.
  double score_of(const std::vector<double>& c) const;

 private:
  using Matrix = std::array<Coefficients, kMostColumns>;

  std::size_t rows() const { return columns_.front().size(); }
  bool find_basis();
  bool invert_basis();
  void refresh(const std::vector<double>& y);
  double along(std::size_t row, std::size_t edge) const;
  // The edge that falls steepest and the sign to go; its slope, not negative at the optimum.
  struct Descent {
    std::size_t edge = 0;
    double sign = 1;
    double slope = 0;
  };
  Descent steepest() const;
  bool step(const Descent& descent);

  std::vector<std::vector<double>> columns_;
  double tau_;
  std::array<std::size_t, kMostColumns> basis_{};  // rows that the solution passes through
  bool has_basis_ = false;
  Matrix inverse_{};  // of the basis' rows; column j is the edge that leaves row basis_[j]
  Coefficients coefficients_{};
  std::vector<double> residuals_;
  std::vector<bool> in_basis_;
  struct Crossing {
    double distance;
    double weight;
    std::size_t row;
  };
  std::vector<Crossing> crossings_;
};

}  // namespace heapledger::analysis::statistics
