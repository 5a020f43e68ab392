// The curves of many requests, laid over one another: each request's time is one, whatever it lasted.
//
// A curve is sixteen levels l of four bits, the first one highest, in fifteenths of the request's peak p: part k held
// l p / 15 bytes on average, known to p / 30. Sixteen bytes a request. One thread at a time; allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "analysis/statistics/sample.h"
#include "heapledger/lifecycle.h"

namespace heapledger::analysis {

inline constexpr std::size_t kCurveParts = 16;
inline constexpr double kFullLevel = 15;

// Of part `part`, 0 to 15, in fifteenths of the peak.
constexpr unsigned curve_level(std::uint64_t curve, std::size_t part) {
  return static_cast<unsigned>(curve >> (4 * (kCurveParts - 1 - part))) & 15U;
}

// Mean live bytes of each part.
std::vector<std::uint64_t> live_bytes_of(std::uint64_t curve, std::uint64_t peak_bytes);

// The part that a share of the time lies in; 100 % lies in the last.
std::size_t part_of(std::int64_t percent);

class LiveCurves {
 public:
  // `peak_percent`: when the peak was reached, in percent of the time.
  void add(std::uint64_t curve, std::uint64_t peak_bytes, std::int64_t peak_percent);
  std::uint64_t count() const { return curves_.size(); }

  // Sixteen; none without a curve.
  std::vector<LifecyclePart> summarize() const;
  std::optional<RealDistribution> peak_at_ratio();

 private:
  struct Curve {
    std::uint64_t levels;
    std::uint64_t peak_bytes;
  };
  std::vector<Curve> curves_;
  std::vector<std::uint64_t> peaks_in_part_ = std::vector<std::uint64_t>(kCurveParts);
  std::vector<double> released_bytes_ = std::vector<double>(kCurveParts);  // by part, once the peak's part is over
  double peaks_bytes_ = 0;
  statistics::Sample<double> peak_at_ratio_;
};

}  // namespace heapledger::analysis
