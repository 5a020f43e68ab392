#include "analysis/recycled_objects.h"

#include <algorithm>
#include <cmath>

#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

constexpr std::size_t kBins = 12;

// Of a series over its own requests, what falls into each twelfth of them: two endpoints that are called in constant
// shares have their twelfths at the same times.
void add_in_bins(const CohortSeries& cohorts, const SizeSeries& size, SizeSeries& bins) {
  const auto requests = static_cast<double>(cohorts.requests);
  for (std::size_t i = 0; i < cohorts.cohorts.size(); ++i) {
    const Cohort& cohort = cohorts.cohorts[i];
    const double from = static_cast<double>(cohort.first_request - 1) / requests * kBins;
    const double until = static_cast<double>(cohort.last_request) / requests * kBins;
    for (std::size_t bin = 0; bin < kBins; ++bin) {
      const double low = std::max(from, static_cast<double>(bin));
      const double high = std::min(until, static_cast<double>(bin + 1));
      if (high > low) {
        bins.live_bytes[bin] += size.live_bytes[i] * (high - low) / (until - from);
      }
    }
  }
}

bool sum_is_level(const CohortSeries& one, std::size_t one_size, const CohortSeries& other, std::size_t other_size) {
  CohortSeries both;
  both.requests = add_limited(one.requests, other.requests);
  const std::int64_t run = std::max<std::int64_t>(1, both.requests / static_cast<std::int64_t>(kBins));
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    const std::int64_t first = static_cast<std::int64_t>(bin) * run + 1;
    const std::int64_t last = bin + 1 == kBins ? both.requests : first + run - 1;
    both.cohorts.push_back(
        {first, last, static_cast<double>(last - first + 1), static_cast<double>(both.requests - last)});
  }
  SizeSeries sum;
  sum.live_bytes.resize(kBins);
  add_in_bins(one, one.sizes[one_size], sum);
  add_in_bins(other, other.sizes[other_size], sum);
  return judge_series(both, sum, 0).shape == SeriesShape::kLevel;
}

// Calls `visit` with each small size that both keep.
template <class Visit>
void for_each_common(const EndpointGrowth& one, const EndpointGrowth& other, Visit visit) {
  for (const KeptSize& kept : one.kept) {
    for (const KeptSize& also : other.kept) {
      if (kept.block_bytes == also.block_bytes && kept.block_bytes <= kRecycledAtMostBytes) {
        visit(kept, also);
      }
    }
  }
}

// What the other keeps need not be as even: a leak charged to both by chance is uneven at the one with the smaller
// part.
bool both_keep(const KeptSize& one, const KeptSize& other) {
  return one.shape == SeriesShape::kLevel &&
         (other.shape == SeriesShape::kLevel || other.rate_bytes >= one.rate_bytes / 2);
}

// One keeps less and less, and the other makes up for it: what neither shows alone. Where old blocks are freed the
// sum of two caches would look so, too.
bool make_up(const CohortSeries& one, const KeptSize& kept, const CohortSeries& other, const KeptSize& also) {
  const bool opposite = (kept.shape == SeriesShape::kDeclining) != (also.shape == SeriesShape::kDeclining);
  return opposite && kept.proven && also.proven && sum_is_level(one, kept.size, other, also.size);
}

}  // namespace

bool may_be_others(const CohortSeries& one, const EndpointGrowth& one_growth, const CohortSeries& other,
                   const EndpointGrowth& other_growth) {
  double common = 0;
  for_each_common(one_growth, other_growth, [&](const KeptSize& kept, const KeptSize& also) {
    if (both_keep(kept, also) || make_up(one, kept, other, also)) {
      common += kept.rate_bytes;
    }
  });
  return common > 0 && common >= one_growth.series.rate_bytes / 2;
}

bool is_even_together(const CohortSeries& one, const EndpointGrowth& one_growth, const CohortSeries& other,
                      const EndpointGrowth& other_growth) {
  bool even = false;
  for_each_common(one_growth, other_growth, [&](const KeptSize& kept, const KeptSize& also) {
    const bool alone = kept.shape == SeriesShape::kLevel || also.shape == SeriesShape::kLevel;
    even = even || (!alone && make_up(one, kept, other, also));
  });
  return even;
}

}  // namespace heapledger::analysis
