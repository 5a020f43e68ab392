#include "analysis/statistics/compound_poisson.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace heapledger::analysis::statistics {
namespace {

constexpr double kRescaleAbove = 1e200;

struct Lattice {
  std::vector<double> weights;  // at 0, step, 2 step, ...
  double beyond = 0;            // of sizes that have no place on it
};

Lattice spread(std::span<const Part> parts, double step, std::size_t cells) {
  Lattice lattice;
  lattice.weights.assign(cells + 1, 0);
  for (const Part& part : parts) {
    const double place = part.size / step;
    if (place >= static_cast<double>(cells)) {
      lattice.beyond += part.weight;
      continue;
    }
    const double low = std::floor(place);
    const auto index = static_cast<std::size_t>(low);
    lattice.weights[index] += part.weight * (1 - (place - low));
    lattice.weights[index + 1] += part.weight * (place - low);
  }
  return lattice;
}

// Panjer's recursion from P(0) = 1, with the logarithm of what the result has to be multiplied by.
std::vector<double> recur(const std::vector<double>& weights, double& log_scale) {
  struct Jump {
    std::size_t size;
    double weighted;
  };
  std::vector<Jump> jumps;
  for (std::size_t j = 1; j < weights.size(); ++j) {
    if (weights[j] > 0) {
      jumps.push_back({j, static_cast<double>(j) * weights[j]});
      log_scale -= weights[j];
    }
  }
  std::vector<double> law(weights.size(), 0);
  law[0] = 1;
  for (std::size_t k = 1; k < law.size(); ++k) {
    double sum = 0;
    for (const Jump& jump : jumps) {
      if (jump.size > k) {
        break;
      }
      sum += jump.weighted * law[k - jump.size];
    }
    law[k] = sum / static_cast<double>(k);
    if (law[k] > kRescaleAbove) {
      for (std::size_t i = 0; i <= k; ++i) {
        law[i] /= kRescaleAbove;
      }
      log_scale += std::log(kRescaleAbove);
    }
  }
  return law;
}

std::vector<double> convolve(const std::vector<double>& left, const std::vector<double>& right) {
  std::vector<double> result(left.size(), 0);
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (left[i] < 1e-300) {
      continue;
    }
    for (std::size_t j = 0; i + j < result.size(); ++j) {
      result[i + j] += left[i] * right[j];
    }
  }
  return result;
}

}  // namespace

void LatticeLaw::accumulate() {
  from_top_.assign(probabilities_.size() + 1, 0);
  for (std::size_t k = 0; k < probabilities_.size(); ++k) {
    from_top_[k + 1] = from_top_[k] + probabilities_[probabilities_.size() - 1 - k];
  }
}

// A cell stands for sizes up to half a step around it, the uppermost for the half below it, the lowest for 0 alone.
double LatticeLaw::within(double room) const {
  const std::size_t last = probabilities_.size() - 1;
  if (!(room > 0)) {
    return 0;
  }
  if (room > capacity()) {
    return from_top_[last + 1];
  }
  const double cells = room / step_ + 0.5;
  const auto whole = static_cast<std::size_t>(cells);
  const double part = cells - static_cast<double>(whole);
  const double top =
      whole > last ? from_top_[last] : from_top_[whole] + (last - whole > 0 ? part * probabilities_[last - whole] : 0);
  return std::max(0.0, top - probabilities_[last] / 2);
}

LatticeLaw compound_poisson(std::span<const Part> parts, double capacity, std::size_t cells) {
  const double step = capacity / static_cast<double>(cells);
  const Lattice lattice = spread(parts, step, 2 * cells);
  double log_scale = 0;
  std::vector<double> law = recur(lattice.weights, log_scale);
  const double none_beyond = std::exp(-lattice.beyond);
  double up_to = 0;
  double just_above = 0;
  for (std::size_t k = 0; k < law.size(); ++k) {
    law[k] = law[k] > 0 ? std::exp(std::log(law[k]) + log_scale) * none_beyond : 0;
    (k <= cells ? up_to : just_above) += law[k];
  }
  law.resize(cells + 1);
  // Where little lies above, what lies above twice the capacity is nothing beside it, but for single large parts.
  const double rest = 1 - up_to;
  const double above = rest > 1e-6 ? rest : just_above - std::expm1(-lattice.beyond);
  return {std::move(law), step, std::clamp(above, 0.0, 1.0)};
}

LatticeLaw fixed_number(std::span<const Part> parts, double total, double count, double capacity, std::size_t cells) {
  const double step = capacity / static_cast<double>(cells);
  Lattice lattice = spread(parts, step, cells);
  double placed = lattice.beyond;
  for (const double weight : lattice.weights) {
    placed += weight;
  }
  lattice.weights[0] += std::max(0.0, total - placed);
  std::vector<double> power = lattice.weights;
  for (double& weight : power) {
    weight /= std::max(total, placed);
  }
  std::vector<double> law(cells + 1, 0);
  law[0] = 1;
  for (auto left = static_cast<std::uint64_t>(count); left > 0; left /= 2) {
    if (left % 2 == 1) {
      law = convolve(law, power);
    }
    if (left > 1) {
      power = convolve(power, power);
    }
  }
  double up_to = 0;
  for (const double probability : law) {
    up_to += probability;
  }
  return {std::move(law), step, std::clamp(1 - up_to, 0.0, 1.0)};
}

}  // namespace heapledger::analysis::statistics
