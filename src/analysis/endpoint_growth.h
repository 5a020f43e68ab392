// The verdict on one endpoint in one worker: every size of block judged by itself, and what none of them explains
// judged together. Pure; allocates; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "analysis/cohort_series.h"
#include "analysis/series_shape.h"
#include "heapledger/leaks.h"
#include "recording/rows.h"

namespace heapledger::analysis {

// Of fewer requests no verdict is given: thirteen cohorts of sixteen. Nor of fewer than eight times those that run at
// once: what they leave was all made before any of them ended, free lists filled for the most that ran at once too, and
// a level over such cohorts says nothing of the next request.
inline constexpr std::int64_t kLeastRequests = 200;
inline constexpr double kLeastWaves = 8;

// What must be held to speak of a cache or a warm-up: less is what every framework keeps for itself. So is growth that
// adds less than a small object to each request and has not come to that yet.
inline constexpr double kNotableBytes = 64.0 * 1024;
inline constexpr double kNotableRateBytes = 48;

struct KeptSize {
  std::size_t size = 0;  // index into CohortSeries::sizes
  std::int64_t block_bytes = 0;
  SeriesShape shape = SeriesShape::kLevel;  // or kDeclining, or kUneven
  double rate_bytes = 0;
  bool proven = false;  // as in SeriesJudgement
};

struct EndpointGrowth {
  LeakVerdict verdict = LeakVerdict::kUnknown;
  LeakGrounds grounds = LeakGrounds::kTooFewRequests;
  std::int64_t requests_needed = kLeastRequests;
  SeriesJudgement series;          // what the verdict rests on
  double beside_rate_bytes = 0;    // leak: what may be of it, too, of sizes that are kept unevenly: above the interval
  double retained_bytes = 0;       // by all survivors
  std::int64_t since_request = 0;  // as in LeakFinding
  double unseen_rate_bytes = 0;    // smallest level that would have been seen
  std::vector<KeptSize> kept;      // sizes of which more and more is kept, if they are told apart
};

// `at_once`: how many other requests of the endpoint end, on average, while one of them runs.
EndpointGrowth judge_endpoint(const CohortSeries& cohorts, const recording::EndpointLifeRow& life, double at_once);

}  // namespace heapledger::analysis
