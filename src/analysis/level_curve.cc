#include "analysis/level_curve.h"

#include <algorithm>

namespace heapledger::analysis {
namespace {

LevelCurve rectangle_of(double peak_bytes, double byte_seconds) {
  LevelCurve result;
  result.rectangle = true;
  result.levels[0] = peak_bytes;
  result.part_seconds = peak_bytes > 0 ? byte_seconds / peak_bytes : 0;
  return result;
}

// The levels' sum made `wanted`: scaled, then what the peak cuts off goes to where there is room below it.
void fit_sum(std::array<double, kCurveParts>& levels, double wanted, double peak_bytes) {
  double sum = 0;
  for (const double level : levels) {
    sum += level;
  }
  double left = wanted;
  double room = 0;
  for (double& level : levels) {
    level = std::min(peak_bytes, sum > 0 ? level * wanted / sum : wanted / kCurveParts);
    left -= level;
    room += peak_bytes - level;
  }
  for (double& level : levels) {
    level += left > 0 && room > 0 ? std::min(1.0, left / room) * (peak_bytes - level) : 0;
  }
}

}  // namespace

LevelCurve level_curve(double peak_bytes, double byte_seconds, double duration_seconds,
                       std::optional<std::int64_t> curve) {
  if (!curve || !(duration_seconds > 0) || byte_seconds > peak_bytes * duration_seconds) {
    return rectangle_of(peak_bytes, byte_seconds);
  }
  LevelCurve result;
  result.part_seconds = duration_seconds / kCurveParts;
  const auto bits = static_cast<std::uint64_t>(*curve);
  for (std::size_t part = 0; part < kCurveParts; ++part) {
    result.levels[part] = static_cast<double>(bits >> (60 - 4 * part) & 15U);
  }
  fit_sum(result.levels, byte_seconds / result.part_seconds, peak_bytes);
  return result;
}

}  // namespace heapledger::analysis
