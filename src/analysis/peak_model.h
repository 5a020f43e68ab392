// How the peak of an endpoint's requests follows the sizes of their bodies.
//
//   median peak = base + k_request x received bytes + k_response x sent bytes
//
// by quantile regression at 0.5 (statistics/quantile_regression.h). A direction takes part when its sizes differ by
// 1 KiB or more, and by a thousandth of what the other's do. Where both take part they are fitted together, unless one
// follows the other (a straight line leaves less than 0.1 % of its variance): then neither has an amplification of its
// own, and the larger one stands for both in predictions.
//
// At most 2,048 requests are fitted, chosen by size alone, which a regression given sizes allows: the 512 largest of
// each direction and every n-th of all. One body far larger than all others settles nothing (its score can reject no
// slope); where an interval has no end, the largest bodies are left out, two and a twentieth at most.
// Pure; thread-safe; allocates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "analysis/endpoint_bodies.h"
#include "analysis/statistics/quantile_regression.h"
#include "heapledger/payload_analyzer.h"

namespace heapledger::analysis {

inline constexpr double kPayloadConfidence = 0.95;
inline constexpr std::uint64_t kLeastFitted = 20;  // requests

struct PeakEstimate {
  double bytes = 0;
  double low_bytes = 0;
  double high_bytes = 0;
};

class PeakModel {
 public:
  // Without a direction that takes part there is none, and the gaps say why.
  explicit PeakModel(const EndpointBodies& bodies);

  bool exists() const { return fit_.has_value(); }
  const PayloadModel& of(std::size_t side) const { return sides_[side]; }

  // Bytes of peak a byte of this side's body, 0 where it has no part of its own.
  double slope(std::size_t side) const { return sides_[side].amplification_ratio.value_or(0); }
  double base_bytes() const { return fit_ ? fit_->constant : 0; }

  // exists().
  double predict(double received_bytes, double sent_bytes) const;

  // The median peak for bodies of this size, the other direction's at `other_bytes`: the interval of the slope, and of
  // the level (ranks of the residuals), added in quadrature. Absent where this side has no part in the model.
  std::optional<PeakEstimate> estimate(std::size_t side, double bytes, double other_bytes) const;

 private:
  using Rows = std::vector<statistics::RegressionRow>;

  void measure_spread(const EndpointBodies& bodies, const std::vector<std::uint32_t>& sound);
  void fit(const Rows& rows);
  void fit_one(const Rows& rows, std::size_t side, bool stands_for_both);
  void fit_both(const Rows& rows);
  void keep(const Rows& rows);
  void judge_line(const Rows& rows, std::size_t side);

  std::array<PayloadModel, kSides> sides_;
  std::array<bool, kSides> takes_part_{};
  std::optional<statistics::QuantileFit> fit_;                                    // slopes by side
  std::array<std::optional<statistics::CoefficientInterval>, kSides> intervals_;  // `at_*`: constant, other slope
  double level_half_width_ = 0;
};

// Of bodies of one kind, or of any rows with one size each: their slope alone.
struct SlopeEstimate {
  ModelGap gap = ModelGap::kTooFewRequests;
  std::optional<double> ratio;
  std::optional<RatioInterval> interval;
};
SlopeEstimate estimate_slope(std::vector<statistics::RegressionRow> rows);

// At most `most` of `candidates`, by their size on both sides alone.
std::vector<std::uint32_t> choose_by_size(const EndpointBodies& bodies, std::vector<std::uint32_t> candidates,
                                          std::size_t most);

}  // namespace heapledger::analysis
