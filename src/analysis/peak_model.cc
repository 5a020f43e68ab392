#include "analysis/peak_model.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "analysis/row_arithmetic.h"
#include "analysis/statistics/lack_of_fit.h"
#include "analysis/statistics/student.h"

namespace heapledger::analysis {
namespace {

using statistics::CoefficientInterval;
using statistics::QuantileFit;
using statistics::QuantileRegression;
using statistics::RegressionRow;
using Rows = std::vector<RegressionRow>;

constexpr std::size_t kMostFitted = 2048;
constexpr std::uint64_t kLeastSpreadBytes = 1024;
constexpr double kLeastSpreadRatio = 0.001;
constexpr double kTogether = 0.001;  // of the variance that a line leaves
constexpr double kPrecision = 1e4;   // ratios are told to a ten-thousandth

std::size_t other(std::size_t side) { return 1 - side; }

double rounded(double ratio) { return std::round(ratio * kPrecision) / kPrecision; }

RatioInterval interval_of(const CoefficientInterval& interval) {
  return {rounded(interval.low), rounded(interval.high)};
}

// The square of the correlation of the two sizes.
double shared_variance(const Rows& rows) {
  double count = 0;
  std::array<double, kSides> mean{};
  for (const RegressionRow& row : rows) {
    ++count;
    for (std::size_t s = 0; s < kSides; ++s) mean[s] += (row.x[s] - mean[s]) / count;
  }
  double product = 0;
  std::array<double, kSides> square{};
  for (const RegressionRow& row : rows) {
    product += (row.x[0] - mean[0]) * (row.x[1] - mean[1]);
    for (std::size_t s = 0; s < kSides; ++s) square[s] += (row.x[s] - mean[s]) * (row.x[s] - mean[s]);
  }
  return square[0] > 0 && square[1] > 0 ? product / square[0] * (product / square[1]) : 0;
}

struct SettledFit {
  QuantileFit fit;
  std::array<std::optional<CoefficientInterval>, kSides> intervals;
  Rows rows;  // that were fitted in the end
};

// Variables 0 to `variables` - 1; the one without an end loses its largest rows until it has one.
std::optional<SettledFit> settle(Rows rows, std::size_t variables) {
  const std::size_t most_left_out = rows.size() / 20 + 2;
  std::size_t left_out = 0;
  for (std::size_t drop = 1;; drop *= 2) {
    const QuantileRegression regression(rows, variables);
    const std::optional<QuantileFit> fit = regression.fit();
    if (!fit) return std::nullopt;
    SettledFit settled{*fit, {}, {}};
    std::optional<std::size_t> open;
    for (std::size_t v = 0; v < variables; ++v) {
      settled.intervals[v] = regression.interval(v, *fit, kPayloadConfidence);
      open = settled.intervals[v] ? open : std::optional(v);
    }
    if (!open || left_out + drop > most_left_out) {
      settled.rows = std::move(rows);
      return settled;
    }
    const auto smaller = [v = *open](const RegressionRow& a, const RegressionRow& b) { return a.x[v] < b.x[v]; };
    std::nth_element(rows.begin(), rows.end() - static_cast<std::ptrdiff_t>(drop), rows.end(), smaller);
    rows.resize(rows.size() - drop);
    left_out += drop;
  }
}

// Half the width of the interval of the median of n residuals, by ranks.
double level_half_width(std::vector<double> residuals) {
  const double n = static_cast<double>(residuals.size());
  const double reach = statistics::student_quantile((1 + kPayloadConfidence) / 2, n - 1) * std::sqrt(n) / 2;
  const auto at = [&](double rank) {
    const auto index = static_cast<std::ptrdiff_t>(std::clamp(rank, 0.0, n - 1));
    std::nth_element(residuals.begin(), residuals.begin() + index, residuals.end());
    return residuals[static_cast<std::size_t>(index)];
  };
  const double high = at(std::ceil(n / 2 + reach));
  return (high - at(std::floor(n / 2 - reach - 1))) / 2;
}

RegressionRow row_of(const EndpointBodies& bodies, std::uint32_t request) {
  return {{static_cast<double>(bodies.sizes(kRequestSide)[request]),
           static_cast<double>(bodies.sizes(kResponseSide)[request])},
          static_cast<double>(bodies.peaks()[request])};
}

std::vector<std::uint32_t> sound_requests(const EndpointBodies& bodies) {
  std::vector<std::uint32_t> sound;
  for (std::uint32_t i = 0; i < bodies.requests(); ++i) {
    if (bodies.is_sound(i)) sound.push_back(i);
  }
  return sound;
}

// Only this side's sizes, as the first variable.
Rows one_sided(Rows rows, std::size_t side) {
  for (RegressionRow& row : rows) row.x = {row.x[side], 0};
  return rows;
}

}  // namespace

std::vector<std::uint32_t> choose_by_size(const EndpointBodies& bodies, std::vector<std::uint32_t> candidates,
                                          std::size_t most) {
  if (candidates.size() <= most) return candidates;
  const std::size_t largest = most / 4;
  std::vector<std::uint32_t> chosen;
  for (std::size_t i = 0; i < most - kSides * largest; ++i) {
    chosen.push_back(candidates[i * candidates.size() / (most - kSides * largest)]);
  }
  for (std::size_t side = 0; side < kSides; ++side) {
    const auto larger = [&sizes = bodies.sizes(side)](std::uint32_t a, std::uint32_t b) {
      return sizes[a] != sizes[b] ? sizes[a] > sizes[b] : a < b;
    };
    const auto end = candidates.begin() + static_cast<std::ptrdiff_t>(largest);
    std::nth_element(candidates.begin(), end, candidates.end(), larger);
    chosen.insert(chosen.end(), candidates.begin(), end);
  }
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  return chosen;
}

PeakModel::PeakModel(const EndpointBodies& bodies) {
  std::vector<std::uint32_t> sound = sound_requests(bodies);
  measure_spread(bodies, sound);
  if (sound.size() < kLeastFitted) {
    for (PayloadModel& side : sides_) side.requests_needed = kLeastFitted;
    return;
  }
  Rows rows;
  for (const std::uint32_t request : choose_by_size(bodies, std::move(sound), kMostFitted)) {
    rows.push_back(row_of(bodies, request));
  }
  fit(rows);
}

void PeakModel::measure_spread(const EndpointBodies& bodies, const std::vector<std::uint32_t>& sound) {
  for (std::size_t side = 0; side < kSides && !sound.empty(); ++side) {
    std::uint64_t least = bodies.sizes(side)[sound.front()];
    std::uint64_t most = least;
    for (const std::uint32_t request : sound) {
      least = std::min(least, bodies.sizes(side)[request]);
      most = std::max(most, bodies.sizes(side)[request]);
    }
    sides_[side].size_spread_bytes = most - least;
  }
  for (std::size_t side = 0; side < kSides; ++side) {
    const auto spread = sides_[side].size_spread_bytes;
    takes_part_[side] =
        spread >= kLeastSpreadBytes &&
        static_cast<double>(spread) >= kLeastSpreadRatio * static_cast<double>(sides_[other(side)].size_spread_bytes);
  }
}

void PeakModel::fit(const Rows& rows) {
  for (std::size_t side = 0; side < kSides; ++side) {
    sides_[side].gap = takes_part_[side] ? ModelGap::kUnsettled : ModelGap::kSameSize;
  }
  if (takes_part_[kRequestSide] && takes_part_[kResponseSide]) {
    if (1 - shared_variance(rows) >= kTogether) {
      fit_both(rows);
      return;
    }
    for (PayloadModel& side : sides_) side.gap = ModelGap::kMovesTogether;
    const bool response = sides_[kResponseSide].size_spread_bytes > sides_[kRequestSide].size_spread_bytes;
    fit_one(rows, response ? kResponseSide : kRequestSide, true);
  } else if (takes_part_[kRequestSide] || takes_part_[kResponseSide]) {
    fit_one(rows, takes_part_[kRequestSide] ? kRequestSide : kResponseSide, false);
  }
}

void PeakModel::fit_one(const Rows& rows, std::size_t side, bool stands_for_both) {
  std::optional<SettledFit> settled = settle(one_sided(rows, side), 1);
  if (!settled || !settled->intervals[0]) return;
  fit_ = QuantileFit{settled->fit.constant, {}};
  fit_->slopes[side] = settled->fit.slopes[0];
  intervals_[side] = settled->intervals[0];
  Rows fitted = std::move(settled->rows);
  for (RegressionRow& row : fitted) {
    const double size = row.x[0];
    row.x = {};
    row.x[side] = size;
  }
  keep(fitted);
  if (stands_for_both) return;
  PayloadModel& model = sides_[side];
  model.gap = ModelGap::kNone;
  model.base_bytes = fit_->constant;
  model.amplification_ratio = rounded(fit_->slopes[side]);
  model.amplification_ratio_interval = interval_of(*intervals_[side]);
  model.fitted_requests = fitted.size();
  judge_line(fitted, side);
}

void PeakModel::fit_both(const Rows& rows) {
  std::optional<SettledFit> settled = settle(rows, kSides);
  if (!settled || (!settled->intervals[0] && !settled->intervals[1])) return;
  fit_ = settled->fit;
  intervals_ = settled->intervals;
  keep(settled->rows);
  for (std::size_t side = 0; side < kSides; ++side) {
    PayloadModel& model = sides_[side];
    if (!intervals_[side]) continue;
    model.gap = ModelGap::kNone;
    model.base_bytes = fit_->constant;
    model.amplification_ratio = rounded(fit_->slopes[side]);
    model.amplification_ratio_interval = interval_of(*intervals_[side]);
    model.with_other_direction = true;
    model.fitted_requests = settled->rows.size();
    judge_line(settled->rows, side);
  }
}

void PeakModel::keep(const Rows& rows) {
  std::vector<double> residuals;
  for (const RegressionRow& row : rows) residuals.push_back(row.y - predict(row.x[0], row.x[1]));
  level_half_width_ = level_half_width(std::move(residuals));
}

void PeakModel::judge_line(const Rows& rows, std::size_t side) {
  std::vector<statistics::FittedRow> fitted;
  for (const RegressionRow& row : rows) {
    const double peak = predict(row.x[0], row.x[1]);
    fitted.push_back({row.x[side], peak, row.y - peak});
  }
  sides_[side].linear = statistics::follows_line(std::move(fitted));
}

double PeakModel::predict(double received_bytes, double sent_bytes) const {
  return fit_->constant + fit_->slopes[kRequestSide] * received_bytes + fit_->slopes[kResponseSide] * sent_bytes;
}

std::optional<PeakEstimate> PeakModel::estimate(std::size_t side, double bytes, double other_bytes) const {
  if (!intervals_[side]) return std::nullopt;
  const CoefficientInterval& interval = *intervals_[side];
  const auto at = [&](double slope, const std::array<double, 2>& rest) {
    return rest[0] + slope * bytes + rest[1] * other_bytes;
  };
  const double middle = fit_->constant + fit_->slopes[side] * bytes + fit_->slopes[other(side)] * other_bytes;
  const double ends[] = {at(interval.low, interval.at_low), at(interval.high, interval.at_high)};
  const double below = std::max(0.0, middle - std::min(ends[0], ends[1]));
  const double above = std::max(0.0, std::max(ends[0], ends[1]) - middle);
  return PeakEstimate{std::max(0.0, middle), std::max(0.0, middle - std::hypot(below, level_half_width_)),
                      std::max(0.0, middle + std::hypot(above, level_half_width_))};
}

SlopeEstimate estimate_slope(std::vector<RegressionRow> rows) {
  SlopeEstimate estimate;
  if (rows.size() < kLeastFitted) return estimate;
  const auto [least, most] = std::minmax_element(
      rows.begin(), rows.end(), [](const RegressionRow& a, const RegressionRow& b) { return a.x[0] < b.x[0]; });
  estimate.gap = ModelGap::kSameSize;
  if (most->x[0] - least->x[0] < static_cast<double>(kLeastSpreadBytes)) return estimate;
  estimate.gap = ModelGap::kUnsettled;
  const std::optional<SettledFit> settled = settle(std::move(rows), 1);
  if (!settled || !settled->intervals[0]) return estimate;
  estimate.gap = ModelGap::kNone;
  estimate.ratio = rounded(settled->fit.slopes[0]);
  estimate.interval = interval_of(*settled->intervals[0]);
  return estimate;
}

}  // namespace heapledger::analysis
