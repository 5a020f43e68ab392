#include "analysis/endpoint_growth.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace heapledger::analysis {
namespace {

constexpr std::int64_t kHandedOnRequests = 32;
constexpr double kHistoryFrom = 0.45;  // of all requests
constexpr double kHistoryUntil = 0.8;
constexpr double kLeastGrown = 0.5;  // of what the rate adds since then

struct JudgedSizes {
  std::vector<SeriesJudgement> single;  // as CohortSeries::sizes
  SeriesJudgement pool;                 // of those whose own shape does not explain them

  std::vector<std::size_t> with(SeriesShape shape) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < single.size(); ++i) {
      if (single[i].shape == shape) {
        found.push_back(i);
      }
    }
    return found;
  }
};

bool is_explained(SeriesShape shape) {
  return shape == SeriesShape::kDying || shape == SeriesShape::kDeclining || shape == SeriesShape::kFirstOnly;
}

JudgedSizes judge_sizes(const CohortSeries& cohorts, double oldest_free) {
  JudgedSizes judged;
  std::vector<std::size_t> unexplained;
  for (std::size_t i = 0; i < cohorts.sizes.size(); ++i) {
    judged.single.push_back(judge_series(cohorts, cohorts.sizes[i], oldest_free));
    if (!is_explained(judged.single.back().shape)) {
      unexplained.push_back(i);
    }
  }
  judged.pool = judge_series(cohorts, add_series(cohorts, unexplained), oldest_free);
  return judged;
}

SeriesJudgement judge_together(const CohortSeries& cohorts, const std::vector<std::size_t>& sizes, double oldest_free) {
  return judge_series(cohorts, add_series(cohorts, sizes), oldest_free);
}

std::vector<KeptSize> kept_sizes(const CohortSeries& cohorts, const JudgedSizes& judged) {
  std::vector<KeptSize> kept;
  for (std::size_t i = 0; i < judged.single.size(); ++i) {
    const SeriesShape shape = judged.single[i].shape;
    const bool keeps =
        shape == SeriesShape::kLevel || shape == SeriesShape::kDeclining || shape == SeriesShape::kUneven;
    if (keeps && cohorts.sizes[i].block_bytes) {
      kept.push_back({i, *cohorts.sizes[i].block_bytes, shape, judged.single[i].rate_bytes, judged.single[i].proven});
    }
  }
  return kept;
}

// Deaths by chance can leave a level, too: of a sample of all requests so far, or the best of them, each cohort keeps
// as much as the others. But what is retained in all does not grow then, while a leak's does by its rate.
bool stands_still(const EndpointGrowth& growth, const CohortSeries& cohorts, const recording::EndpointLifeRow& life) {
  const bool even = growth.verdict == LeakVerdict::kLeak;
  const double rate =
      even ? growth.series.rate_bytes : std::min(growth.series.rate_bytes, growth.series.late_rate_bytes);
  if (growth.series.proven || growth.series.held_bytes < kNotableBytes || growth.grounds == LeakGrounds::kAddsLess) {
    return false;
  }
  const auto requests = static_cast<double>(cohorts.requests);
  std::optional<double> most;
  for (const auto& level : life.retained_history) {
    const auto then = static_cast<double>(level.requests);
    if (then >= kHistoryFrom * requests && then <= kHistoryUntil * requests) {
      const double grown = growth.retained_bytes - static_cast<double>(level.retained_bytes);
      const double share = grown / (std::max(rate, kLeastRateBytes) * (requests - then));
      most = std::max(most.value_or(share), share);
    }
  }
  return most && *most < kLeastGrown;
}

void conclude(EndpointGrowth& growth, LeakVerdict verdict, LeakGrounds grounds, const SeriesJudgement& series) {
  growth.verdict = verdict;
  growth.grounds = grounds;
  growth.series = series;
}

double most_of(const SeriesJudgement& series) { return series.rate_bytes + series.rate_half_width; }

// Of the sizes that are level and of those that are uneven: an object whose size varies is of several.
double most_beside(const CohortSeries& cohorts, const JudgedSizes& judged, double oldest_free) {
  std::vector<std::size_t> sizes = judged.with(SeriesShape::kLevel);
  const std::vector<std::size_t> uneven = judged.with(SeriesShape::kUneven);
  sizes.insert(sizes.end(), uneven.begin(), uneven.end());
  return most_of(judge_together(cohorts, sizes, oldest_free));
}

// True when there is a leak. Of all that is not explained otherwise, else of the sizes that are level by themselves.
bool conclude_leak(EndpointGrowth& growth, const CohortSeries& cohorts, const JudgedSizes& judged, double oldest_free) {
  const std::vector<std::size_t> level = judged.with(SeriesShape::kLevel);
  SeriesJudgement series = judged.pool;
  if (series.shape != SeriesShape::kLevel) {
    if (level.empty()) {
      return false;
    }
    series = judge_together(cohorts, level, oldest_free);
    if (series.shape != SeriesShape::kLevel) {  // each of them is: the largest speaks for itself
      const auto smaller = [&](std::size_t a, std::size_t b) {
        return judged.single[a].rate_bytes < judged.single[b].rate_bytes;
      };
      series = judged.single[*std::max_element(level.begin(), level.end(), smaller)];
    }
    growth.beside_rate_bytes = std::max(0.0, most_beside(cohorts, judged, oldest_free) - most_of(series));
  }
  conclude(growth, LeakVerdict::kLeak, LeakGrounds::kEveryCohortKeeps, series);
  return true;
}

// False when it holds no more than every framework keeps for itself: what was not told apart from that is a leak that
// this recording would not have shown.
bool conclude_growing(EndpointGrowth& growth, LeakGrounds grounds, const SeriesJudgement& series) {
  const double since_the_first_bytes = series.held_bytes - series.first_held_bytes;  // which fill what is filled once
  if (since_the_first_bytes < kNotableBytes && series.rate_bytes < kNotableRateBytes) {
    growth.unseen_rate_bytes = std::max(growth.unseen_rate_bytes, most_of(series));
    return false;
  }
  conclude(growth, LeakVerdict::kGrowing, grounds, series);
  return true;
}

bool keeps_on(SeriesShape shape) { return shape == SeriesShape::kDeclining || shape == SeriesShape::kUneven; }

bool conclude_growing(EndpointGrowth& growth, const CohortSeries& cohorts, const JudgedSizes& judged,
                      double oldest_free) {
  std::vector<std::size_t> sizes = judged.with(SeriesShape::kDeclining);
  if (!sizes.empty() && conclude_growing(growth, LeakGrounds::kAddsLess, judge_together(cohorts, sizes, oldest_free))) {
    return true;
  }
  const auto grounds_of = [](SeriesShape shape) {
    return shape == SeriesShape::kDeclining ? LeakGrounds::kAddsLess : LeakGrounds::kUneven;
  };
  if (keeps_on(judged.pool.shape) && conclude_growing(growth, grounds_of(judged.pool.shape), judged.pool)) {
    return true;
  }
  // Too little each: an object whose size varies is of several sizes.
  const std::vector<std::size_t> uneven = judged.with(SeriesShape::kUneven);
  sizes.insert(sizes.end(), uneven.begin(), uneven.end());
  const SeriesJudgement all = judge_together(cohorts, sizes, oldest_free);
  const bool level = all.shape == SeriesShape::kLevel;  // of none alone: no leak is told from it
  return (level || keeps_on(all.shape)) && conclude_growing(growth, grounds_of(all.shape), all);
}

// What all sizes keep that is too little to name, each for itself: a leak as small as that would not have been told
// from it.
double most_left_unnamed(const CohortSeries& cohorts, const JudgedSizes& judged, double oldest_free) {
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < judged.single.size(); ++i) {
    if (judged.single[i].shape != SeriesShape::kNothing && judged.single[i].shape != SeriesShape::kFirstOnly) {
      sizes.push_back(i);
    }
  }
  return most_of(judge_together(cohorts, sizes, oldest_free));
}

bool conclude_held(EndpointGrowth& growth, const CohortSeries& cohorts, const JudgedSizes& judged, double oldest_free,
                   SeriesShape shape) {
  const SeriesJudgement single = judge_together(cohorts, judged.with(shape), oldest_free);
  const bool pooled = judged.pool.shape == shape && judged.pool.held_bytes > single.held_bytes;
  const SeriesJudgement& series = pooled ? judged.pool : single;
  if (series.held_bytes < kNotableBytes) {
    return false;
  }
  if (shape == SeriesShape::kDying) {
    conclude(growth, LeakVerdict::kCache, LeakGrounds::kOldFreed, series);
  } else {
    conclude(growth, LeakVerdict::kWarmup, LeakGrounds::kFirstOnly, series);
  }
  return true;
}

// When it began to free what is old. The first such free may have been a mere handing on.
std::int64_t evicting_since(const recording::EndpointLifeRow& life) {
  const std::int64_t first = life.first_aged_free_request.value_or(0);
  return first > kHandedOnRequests ? first : std::min(life.oldest_free_requests, life.requests);
}

// The first request that left nothing any more.
std::int64_t warm_since(const CohortSeries& cohorts, const SeriesJudgement& series) {
  double held = 0;
  for (std::size_t i = 0; i < cohorts.cohorts.size(); ++i) {
    held += series.bytes[i];
    if (held > 0.95 * series.held_bytes) {
      return cohorts.cohorts[i].last_request + 1;
    }
  }
  return cohorts.requests;
}

void date(EndpointGrowth& growth, const CohortSeries& cohorts, const recording::EndpointLifeRow& life) {
  if (growth.verdict == LeakVerdict::kCache) {
    growth.since_request = evicting_since(life);
  } else if (growth.verdict == LeakVerdict::kWarmup) {
    growth.since_request = warm_since(cohorts, growth.series);
  } else if (growth.verdict == LeakVerdict::kLeak || growth.verdict == LeakVerdict::kGrowing) {
    growth.since_request = cohorts.cohorts[growth.series.first_cohort].first_request;
  }
}

std::int64_t needed_at(double at_once) {
  constexpr double kEnough = 1e15;
  return std::max(kLeastRequests, static_cast<std::int64_t>(std::min(kLeastWaves * at_once, kEnough)));
}

}  // namespace

EndpointGrowth judge_endpoint(const CohortSeries& cohorts, const recording::EndpointLifeRow& life, double at_once) {
  EndpointGrowth growth;
  growth.requests_needed = needed_at(at_once);
  for (const SizeSeries& size : cohorts.sizes) {
    for (const double bytes : size.live_bytes) {
      growth.retained_bytes += bytes;
    }
  }
  if (cohorts.requests < growth.requests_needed) {
    return growth;
  }
  const auto oldest_free = static_cast<double>(std::max<std::int64_t>(0, life.oldest_free_requests));
  const JudgedSizes judged = judge_sizes(cohorts, oldest_free);
  growth.kept = kept_sizes(cohorts, judged);
  growth.unseen_rate_bytes = std::max(judged.pool.unseen_rate_bytes, kLeastRateBytes);
  const bool grows =
      conclude_leak(growth, cohorts, judged, oldest_free) || conclude_growing(growth, cohorts, judged, oldest_free);
  if (grows && stands_still(growth, cohorts, life)) {
    const SeriesJudgement series = growth.series;
    conclude(growth, LeakVerdict::kCache, LeakGrounds::kOldFreed, series);
  }
  if (grows || conclude_held(growth, cohorts, judged, oldest_free, SeriesShape::kDying) ||
      conclude_held(growth, cohorts, judged, oldest_free, SeriesShape::kFirstOnly)) {
    date(growth, cohorts, life);
    return growth;
  }
  growth.unseen_rate_bytes = std::max(growth.unseen_rate_bytes, most_left_unnamed(cohorts, judged, oldest_free));
  conclude(growth, LeakVerdict::kNone, LeakGrounds::kNothing, judged.pool);
  return growth;
}

}  // namespace heapledger::analysis
