#include "analysis/series_shape.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "analysis/statistics/student.h"

namespace heapledger::analysis {
namespace {

using statistics::Point;

constexpr std::size_t kLeastCohorts = 6;
constexpr std::size_t kLeastProven = 4;
constexpr double kLateStartShare = 0.1;    // of the later rate: below it, it had not started
constexpr double kRuledOutDecline = 0.5;   // of the rate, from the oldest to the youngest judged
constexpr double kRuledOutRise = 0.25;     // where deaths are possible
constexpr double kRuledOutExcess = 0.07;   // of the youngest quarter over the others, where deaths are possible
constexpr double kYoungestFrom = 0.75;     // of all requests
constexpr double kTrivialTrend = 0.05;     // a significant trend smaller than that is none
constexpr double kPoissonShare = 0.25;     // of Poisson's variance, that a count is given at least
constexpr double kTrendConfidence = 0.99;  // to say that there is a decline or rise
constexpr double kLeastLifeRequests = 32;  // what dies younger was only handed on
constexpr double kLeastEntries = 4;        // of a cache: fewer are single survivors
constexpr double kOutlierDeviations = 6;   // of the median's

double median(std::vector<double> values) {
  if (values.empty()) {
    return 0;
  }
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) {
    return *middle;
  }
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

// The cohorts that may be judged, by index: from `begin` to `end`.
struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool proven = false;
  bool late = false;  // it starts after requests that keep nothing
  std::size_t size() const { return end > begin ? end - begin : 0; }
};

class Judge {
 public:
  Judge(const CohortSeries& cohorts, const SizeSeries& series, double oldest_free)
      : cohorts_(cohorts.cohorts), series_(series), oldest_free_(oldest_free) {
    for (std::size_t i = 0; i < cohorts_.size(); ++i) {
      rates_.push_back(series.live_bytes[i] / cohorts_[i].requests);
    }
  }

  SeriesJudgement judge() {
    SeriesJudgement result;
    result.bytes = series_.live_bytes;
    result.held_bytes = std::accumulate(series_.live_bytes.begin(), series_.live_bytes.end(), 0.0);
    for (std::size_t i = 0; i < std::min<std::size_t>(2, rates_.size()); ++i) {
      result.first_held_bytes += series_.live_bytes[i];
    }
    const std::size_t settled = count_settled();
    const Range range = choose_range(settled);
    if (range.size() < 3) {
      return result;
    }
    measure(range, result);
    result.shape = shape_of(range, settled, result);
    return result;
  }

 private:
  // Cohorts whose youngest block has outlived half a cohort's requests.
  std::size_t count_settled() const {
    const double half = cohorts_.empty() ? 0 : cohorts_.front().requests / 2;
    std::size_t settled = 0;
    while (settled < cohorts_.size() && cohorts_[settled].age_requests >= std::max(1.0, half)) {
      ++settled;
    }
    return settled;
  }

  Range choose_range(std::size_t settled) const {
    std::size_t proven = 0;
    while (proven < settled && cohorts_[proven].age_requests >= oldest_free_) {
      ++proven;
    }
    Range range{0, settled, false, false};
    if (proven >= kLeastProven) {
      range = {0, proven, true, false};
      skip_empty_start(range);
    }
    return range;
  }

  // Where nothing dies, what older cohorts lack was never born: it started later.
  void skip_empty_start(Range& range) const {
    const double later = median({rates_.begin() + static_cast<std::ptrdiff_t>(range.end - 3),
                                 rates_.begin() + static_cast<std::ptrdiff_t>(range.end)});
    std::size_t begin = range.begin;
    for (std::size_t i = range.begin; i < range.end; ++i) {
      begin = rates_[i] < kLateStartShare * later ? i + 1 : begin;
    }
    if (begin == range.begin || range.end - begin < 3) {
      return;
    }
    // The cohort that it started in has it for a part of its requests.
    range.begin = range.end - begin > 3 && rates_[begin] < 0.9 * later ? begin + 1 : begin;
    range.late = true;
  }

  double least_variance(const std::vector<std::size_t>& kept) const {
    if (series_.live_blocks.empty()) {
      return 0;
    }
    double bytes = 0;
    double blocks = 0;
    double requests = 0;
    for (const std::size_t i : kept) {
      bytes += series_.live_bytes[i];
      blocks += series_.live_blocks[i];
      requests += cohorts_[i].requests;
    }
    // Blocks of one size b, n a request: the variance of a request's bytes is b^2 n.
    return blocks > 0 ? kPoissonShare * (bytes / blocks) * bytes / requests : 0;
  }

  std::vector<std::size_t> without_outliers(const Range& range) const {
    std::vector<double> rates(rates_.begin() + static_cast<std::ptrdiff_t>(range.begin),
                              rates_.begin() + static_cast<std::ptrdiff_t>(range.end));
    const double middle = median(rates);
    std::vector<double> deviations;
    for (const double rate : rates) {
      deviations.push_back(std::abs(rate - middle));
    }
    const double border = middle + std::max(kOutlierDeviations * 1.4826 * median(deviations), 0.5 * middle);
    std::vector<std::size_t> kept(range.size());
    std::iota(kept.begin(), kept.end(), range.begin);
    std::stable_sort(kept.begin(), kept.end(), [this](auto a, auto b) { return rates_[a] < rates_[b]; });
    for (std::size_t dropped = 0; dropped < range.size() / 4 && rates_[kept.back()] > border; ++dropped) {
      kept.pop_back();
    }
    std::sort(kept.begin(), kept.end());
    return kept;
  }

  void measure(const Range& range, SeriesJudgement& result) {
    const std::vector<std::size_t> kept = without_outliers(range);
    const double from = static_cast<double>(cohorts_[range.begin].first_request);
    const double length = static_cast<double>(cohorts_[range.end - 1].last_request) - from + 1;
    points_.clear();
    for (const std::size_t i : kept) {
      const double centre = static_cast<double>(cohorts_[i].first_request) + cohorts_[i].requests / 2;
      points_.push_back({(centre - from) / length, rates_[i], cohorts_[i].requests});
    }
    const double least = least_variance(kept);
    const statistics::Mean mean = statistics::weighted_mean(points_);
    trend_ = statistics::fit_trend(points_, least);
    least_error_ = statistics::weighted_mean(points_, least).error;
    result.rate_bytes = mean.value;
    result.rate_half_width = mean.error * statistics::student_quantile((1 + kLeakConfidence) / 2, mean.degrees);
    result.early_rate_bytes = (points_[0].value + points_[1].value) / 2;
    result.late_rate_bytes = (points_[points_.size() - 1].value + points_[points_.size() - 2].value) / 2;
    result.first_cohort = range.begin;
    result.cohorts = kept.size();
    result.proven = range.proven;
    const double slope = trend_.slope_error * statistics::student_quantile(kLeakConfidence, trend_.degrees);
    result.unseen_rate_bytes = std::max(kLeastRateBytes + result.rate_half_width, slope / kRuledOutDecline);
  }

  bool is_trend(double change) const {
    const double sure = trend_.slope_error * statistics::student_quantile(kTrendConfidence, trend_.degrees);
    return change > sure && change > kTrivialTrend * trend_.level;
  }

  bool rules_out(double change, double share) const {
    const double possible = change + trend_.slope_error * statistics::student_quantile(kLeakConfidence, trend_.degrees);
    return possible <= share * trend_.level;
  }

  // A level of late counts from three cohorts on, where the youngest goes on with it.
  bool has_enough(const Range& range, const SeriesJudgement& result) const {
    if (!range.late) {
      return result.cohorts >= (result.proven ? kLeastProven : kLeastCohorts);
    }
    const bool goes_on = range.end < rates_.size() && rates_[range.end] >= 0.8 * result.rate_bytes;
    return result.cohorts + (goes_on ? 1 : 0) >= kLeastProven;
  }

  bool first_is_whole(const SeriesJudgement& result) const {
    const double slack = std::max(kTrivialTrend * result.rate_bytes,
                                  result.rate_half_width * std::sqrt(static_cast<double>(result.cohorts)));
    return rates_.front() >= result.rate_bytes - slack;
  }

  SeriesShape shape_of(const Range& range, std::size_t settled, const SeriesJudgement& result) const {
    const double half_width =
        std::max(result.rate_half_width,
                 least_error_ * statistics::student_quantile((1 + kLeakConfidence) / 2, trend_.degrees + 1));
    const bool keeps = result.rate_bytes - half_width > kLeastRateBytes;
    const Excess excess = range.proven ? Excess() : excess_of_youngest();
    const bool rises = is_trend(trend_.slope) || excess.is_there();
    const bool lives = oldest_free_ >= kLeastLifeRequests;
    if (lives && ((!range.proven && rises) || (!keeps && emptied(settled)))) {
      return SeriesShape::kDying;
    }
    if (is_trend(-trend_.slope)) {
      return result.late_rate_bytes > kLeastRateBytes ? SeriesShape::kDeclining : empty_shape(result);
    }
    if (!keeps) {
      return empty_shape(result);
    }
    const bool level = has_enough(range, result) && rules_out(-trend_.slope, kRuledOutDecline);
    if (range.proven) {
      return level ? SeriesShape::kLevel : SeriesShape::kUneven;
    }
    const bool undying = rules_out(trend_.slope, kRuledOutRise) && first_is_whole(result) && excess.is_ruled_out();
    return level && undying ? SeriesShape::kLevel : SeriesShape::kUneven;
  }

  // What deaths by chance leave is level where all are as old as the deaths: only what is younger shows that they
  // happen. Here also cohorts count that are too young to be judged.
  struct Excess {
    double bytes = 0;
    double error = 0;
    double degrees = 1;
    double level = 0;
    bool is_there() const {
      return bytes > std::max(error * statistics::student_quantile(kTrendConfidence, degrees), kTrivialTrend * level);
    }
    bool is_ruled_out() const {
      return bytes + error * statistics::student_quantile(kLeakConfidence, degrees) <= kRuledOutExcess * level;
    }
  };

  Excess excess_of_youngest() const {
    std::vector<Point> old;
    std::vector<Point> young;
    const double border = kYoungestFrom * static_cast<double>(cohorts_.back().last_request);
    for (std::size_t i = 0; i < cohorts_.size(); ++i) {
      const bool is_old = static_cast<double>(cohorts_[i].last_request) <= border;
      (is_old ? old : young).push_back({0, rates_[i], cohorts_[i].requests});
    }
    const statistics::Mean of_old = statistics::weighted_mean(old);
    const statistics::Mean of_young = statistics::weighted_mean(young);
    return {of_young.value - of_old.value, std::hypot(of_old.error, of_young.error), of_old.degrees, of_old.value};
  }

  // Nothing in the older half, several blocks in what is younger.
  bool emptied(std::size_t settled) const {
    double old_bytes = 0;
    double young_bytes = 0;
    double blocks = series_.live_blocks.empty() ? kLeastEntries : 0;
    for (std::size_t i = 0; i < series_.live_bytes.size(); ++i) {
      (i < settled / 2 ? old_bytes : young_bytes) += series_.live_bytes[i];
      blocks += series_.live_blocks.empty() ? 0 : series_.live_blocks[i];
    }
    return young_bytes > 0 && blocks >= kLeastEntries && old_bytes < kLateStartShare * young_bytes;
  }

  SeriesShape empty_shape(const SeriesJudgement& result) const {
    return result.first_held_bytes > 0.5 * result.held_bytes ? SeriesShape::kFirstOnly : SeriesShape::kNothing;
  }

  const std::vector<Cohort>& cohorts_;
  const SizeSeries& series_;
  double oldest_free_;
  std::vector<double> rates_;
  std::vector<Point> points_;
  statistics::Trend trend_;
  double least_error_ = 0;  // of the rate, with what a count's noise is at least
};

}  // namespace

SeriesJudgement judge_series(const CohortSeries& cohorts, const SizeSeries& series, double oldest_free_requests) {
  return Judge(cohorts, series, oldest_free_requests).judge();
}

}  // namespace heapledger::analysis
