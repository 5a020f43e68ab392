// The law of a sum of Poisson many parts, by numerical inversion; and of a sum of a fixed number of parts.
//
// Requests arrive at rate lambda_i and hold m_i(s) bytes s seconds after. With independent arrivals (Poisson) and
// nothing that makes a request wait for another (M/G/infinity) the bytes M that all of them hold at a moment are
// compound Poisson; its Levy measure is the time spent at each level:
//
//   E exp(-u M) = exp(integral (exp(-u x) - 1) v(dx)),   v(dx) = sum_i lambda_i E(time that m_i spends in dx)
//
// so histograms of time at level are all that is needed. On a lattice of step h with weights v_j at j h, Panjer's
// recursion gives the law without cancellation, so that small probabilities keep their relative accuracy:
//
//   P(M = 0) = exp(-sum v_j),   P(M = k h) = 1/k sum_j j v_j P(M = (k - j) h)
//
// A level between two lattice points is split between them so that its mean is kept: the lattice's law is a
// mean-preserving spread of the true one, never narrower. Weights beyond twice the capacity act by their number alone.
// For a part of fixed number, c parts independent of one another: convolution by repeated squaring.
// Sources: H. Panjer, Recursive evaluation of a family of compound distributions, ASTIN Bulletin 12 (1981); for the
// model, shot noise and its Campbell theorem: J. Kingman, Poisson Processes (1993), chapter 3.
// One thread at a time; allocates; fork-safe.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace heapledger::analysis::statistics {

// Parts of `size`, `weight` of them at a moment on average.
struct Part {
  double size = 0;
  double weight = 0;
};

// Probabilities on a lattice from 0 to a capacity. What lies above is known by its sum.
class LatticeLaw {
 public:
  LatticeLaw(std::vector<double> probabilities, double step, double above)
      : probabilities_(std::move(probabilities)), step_(step), above_(above) {
    accumulate();
  }

  double capacity() const { return step_ * static_cast<double>(probabilities_.size() - 1); }
  // P(capacity - room < M <= capacity): what `room` more bytes would lift over the capacity.
  double within(double room) const;
  // P(M > capacity), with its relative accuracy also where it is small.
  double above() const { return above_; }
  const std::vector<double>& probabilities() const { return probabilities_; }
  double step() const { return step_; }

 private:
  void accumulate();

  std::vector<double> probabilities_;
  std::vector<double> from_top_;  // from_top_[k]: sum of the k highest cells
  double step_;
  double above_;
};

inline constexpr std::size_t kFineCells = 4096;
inline constexpr std::size_t kCoarseCells = 1024;

// capacity above 0.
LatticeLaw compound_poisson(std::span<const Part> parts, double capacity, std::size_t cells = kFineCells);

// The law of `count` parts, each of a size drawn by weight; weights need not sum to 1, what they lack of `total` is
// size 0.
LatticeLaw fixed_number(std::span<const Part> parts, double total, double count, double capacity,
                        std::size_t cells = kCoarseCells);

}  // namespace heapledger::analysis::statistics
