#include "analysis/cohort_series.h"

#include <algorithm>
#include <map>

namespace heapledger::analysis {
namespace {

std::int64_t shortest_span(std::int64_t requests) {
  std::int64_t span = 1;
  while (requests / span > static_cast<std::int64_t>(kMostCohorts) ||
         (requests / span == static_cast<std::int64_t>(kMostCohorts) && requests % span != 0)) {
    span *= 2;
  }
  return span;
}

// Of the rows that end before the last request does: theirs is a whole run.
std::int64_t span_of(std::int64_t requests, std::span<const recording::CohortRow> rows) {
  std::int64_t span = 0;
  for (const auto& row : rows) {
    if (row.last_request < requests && row.first_request > 0 && row.first_request <= row.last_request) {
      span = std::max(span, row.last_request - row.first_request + 1);
    }
  }
  const std::int64_t shortest = shortest_span(requests);
  return span < shortest ? shortest : span;
}

std::vector<Cohort> grid_of(std::int64_t requests, std::int64_t span) {
  std::vector<Cohort> cohorts;
  for (std::int64_t first = 1;; first += span) {
    Cohort& cohort = cohorts.emplace_back();
    cohort.first_request = first;
    cohort.last_request = requests - first < span ? requests : first + span - 1;
    cohort.requests = static_cast<double>(cohort.last_request - first + 1);
    cohort.age_requests = static_cast<double>(requests - cohort.last_request);
    if (cohort.last_request == requests) {
      return cohorts;
    }
  }
}

std::size_t cohort_of(const std::vector<Cohort>& cohorts, std::int64_t span, std::int64_t request) {
  const std::int64_t index = request < 1 ? 0 : (request - 1) / span;
  return static_cast<std::size_t>(std::min<std::int64_t>(index, static_cast<std::int64_t>(cohorts.size()) - 1));
}

}  // namespace

CohortSeries arrange_cohorts(std::int64_t requests, std::span<const recording::CohortRow> rows) {
  CohortSeries series;
  series.requests = std::max<std::int64_t>(requests, 0);
  if (series.requests == 0) {
    return series;
  }
  const std::int64_t span = span_of(requests, rows);
  series.cohorts = grid_of(requests, span);
  std::map<std::optional<std::int64_t>, SizeSeries> by_size;
  for (const auto& row : rows) {
    SizeSeries& size = by_size[row.block_bytes];
    if (size.live_bytes.empty()) {
      size.block_bytes = row.block_bytes;
      size.live_bytes.resize(series.cohorts.size());
      size.live_blocks.resize(series.cohorts.size());
    }
    const std::size_t cohort = cohort_of(series.cohorts, span, row.first_request);
    size.live_bytes[cohort] += static_cast<double>(std::max<std::int64_t>(0, row.live_bytes));
    if (!row.live_blocks) {
      size.live_blocks.clear();
    } else if (!size.live_blocks.empty()) {
      size.live_blocks[cohort] += static_cast<double>(std::max<std::int64_t>(0, *row.live_blocks));
    }
    series.by_size = series.by_size && row.block_bytes.has_value();
  }
  for (auto& [block_bytes, size] : by_size) {
    series.sizes.push_back(std::move(size));
  }
  return series;
}

SizeSeries add_series(const CohortSeries& cohorts, std::span<const std::size_t> sizes) {
  SizeSeries sum;
  sum.live_bytes.resize(cohorts.cohorts.size());
  sum.live_blocks.resize(cohorts.cohorts.size());
  for (const std::size_t index : sizes) {
    const SizeSeries& size = cohorts.sizes[index];
    for (std::size_t i = 0; i < sum.live_bytes.size(); ++i) {
      sum.live_bytes[i] += size.live_bytes[i];
    }
    if (size.live_blocks.empty()) {
      sum.live_blocks.clear();
    }
    for (std::size_t i = 0; i < sum.live_blocks.size(); ++i) {
      sum.live_blocks[i] += size.live_blocks[i];
    }
  }
  return sum;
}

}  // namespace heapledger::analysis
