#include "analysis/statistics/level_histogram.h"

#include <cmath>

namespace heapledger::analysis::statistics {
namespace {

constexpr double kBinsAnOctave = 32;

}  // namespace

void LevelHistogram::add(double bytes, double weight) {
  if (!(bytes >= 1) || !(weight > 0) || !std::isfinite(bytes) || !std::isfinite(weight)) {
    return;
  }
  Bin& bin = bins_[static_cast<std::int16_t>(std::floor(std::log2(bytes) * kBinsAnOctave))];
  bin.weight += weight;
  bin.weighted_bytes += weight * bytes;
}

void LevelHistogram::add(const LevelHistogram& other, double factor) {
  for (const auto& [number, bin] : other.bins_) {
    Bin& own = bins_[number];
    own.weight += bin.weight * factor;
    own.weighted_bytes += bin.weighted_bytes * factor;
  }
}

double LevelHistogram::weight() const {
  double sum = 0;
  for (const auto& [number, bin] : bins_) {
    sum += bin.weight;
  }
  return sum;
}

double LevelHistogram::weighted_bytes() const {
  double sum = 0;
  for (const auto& [number, bin] : bins_) {
    sum += bin.weighted_bytes;
  }
  return sum;
}

}  // namespace heapledger::analysis::statistics
