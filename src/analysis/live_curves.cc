#include "analysis/live_curves.h"

#include <algorithm>
#include <span>

#include "analysis/row_arithmetic.h"
#include "analysis/statistics/quantile.h"

namespace heapledger::analysis {
namespace {

double bytes_at(unsigned level, std::uint64_t peak_bytes) {
  return static_cast<double>(peak_bytes) * level / kFullLevel;
}

}  // namespace

std::vector<std::uint64_t> live_bytes_of(std::uint64_t curve, std::uint64_t peak_bytes) {
  std::vector<std::uint64_t> bytes;
  for (std::size_t part = 0; part < kCurveParts; ++part) {
    bytes.push_back(rounded_count(bytes_at(curve_level(curve, part), peak_bytes)));
  }
  return bytes;
}

std::size_t part_of(std::int64_t percent) {
  const auto part = static_cast<std::size_t>(std::clamp<std::int64_t>(percent, 0, 100)) * kCurveParts / 100;
  return std::min(part, kCurveParts - 1);
}

void LiveCurves::add(std::uint64_t curve, std::uint64_t peak_bytes, std::int64_t peak_percent) {
  curves_.push_back({curve, peak_bytes});
  const std::size_t peak_part = part_of(peak_percent);
  ++peaks_in_part_[peak_part];
  peaks_bytes_ += static_cast<double>(peak_bytes);
  // The mean of the peak's own part also holds what it was before the peak.
  for (std::size_t part = peak_part + 1; part < kCurveParts; ++part) {
    released_bytes_[part] += static_cast<double>(peak_bytes) - bytes_at(curve_level(curve, part), peak_bytes);
  }
  peak_at_ratio_.add(static_cast<double>(std::clamp<std::int64_t>(peak_percent, 0, 100)) / 100);
}

std::vector<LifecyclePart> LiveCurves::summarize() const {
  std::vector<LifecyclePart> parts;
  if (curves_.empty()) {
    return parts;
  }
  const auto count = static_cast<double>(curves_.size());
  std::vector<double> bytes(curves_.size());
  for (std::size_t i = 0; i < kCurveParts; ++i) {
    long double sum = 0;
    for (std::size_t c = 0; c < curves_.size(); ++c) {
      bytes[c] = bytes_at(curve_level(curves_[c].levels, i), curves_[c].peak_bytes);
      sum += bytes[c];
    }
    const std::uint64_t median = statistics::nearest_rank(bytes.size(), 50);
    LifecyclePart& part = parts.emplace_back();
    part.from_ratio = static_cast<double>(i) / kCurveParts;
    part.until_ratio = static_cast<double>(i + 1) / kCurveParts;
    part.mean_bytes = rounded_count(static_cast<double>(sum) / count);
    part.p50_bytes = rounded_count(statistics::select_rank(std::span<double>(bytes), median, 0));
    part.p90_bytes = rounded_count(
        statistics::select_rank(std::span<double>(bytes), statistics::nearest_rank(bytes.size(), 90), median));
    part.peak_ratio = static_cast<double>(peaks_in_part_[i]) / count;
    part.released_ratio = peaks_bytes_ > 0 ? released_bytes_[i] / peaks_bytes_ : 0;
  }
  return parts;
}

std::optional<RealDistribution> LiveCurves::peak_at_ratio() {
  return curves_.empty() ? std::nullopt : std::optional(peak_at_ratio_.summarize());
}

}  // namespace heapledger::analysis
