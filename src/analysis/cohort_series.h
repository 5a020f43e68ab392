// The survivors of one endpoint in one worker, as series over birth cohorts: one series for each size of block, every
// cohort in every series, zero where the recording has no row.
//
// Cohorts are runs of requests of one length but the last, at most sixteen; a row may stand for some of them only, so
// the length is taken from the rows, or is the shortest power of two that gives sixteen. Rows that contradict that are
// put where their first request belongs. Pure; allocates; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "recording/rows.h"

namespace heapledger::analysis {

struct Cohort {
  std::int64_t first_request = 1;
  std::int64_t last_request = 1;
  double requests = 1;
  double age_requests = 0;  // requests that have ended since its last one: what its youngest block has outlived
};

struct SizeSeries {
  std::optional<std::int64_t> block_bytes;  // the largest of its class; absent: all sizes together
  std::vector<double> live_bytes;           // by cohort, oldest first
  std::vector<double> live_blocks;          // empty when they were not counted
};

struct CohortSeries {
  std::int64_t requests = 0;
  std::vector<Cohort> cohorts;    // oldest first; none when no request has ended
  std::vector<SizeSeries> sizes;  // by size
  bool by_size = true;            // false: one series of all that could not be told apart
};

inline constexpr std::size_t kMostCohorts = 16;

// `rows`: all of one worker and endpoint.
CohortSeries arrange_cohorts(std::int64_t requests, std::span<const recording::CohortRow> rows);

// The sum of some series.
SizeSeries add_series(const CohortSeries& cohorts, std::span<const std::size_t> sizes);

}  // namespace heapledger::analysis
