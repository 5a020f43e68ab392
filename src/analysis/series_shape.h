// What one series of survivors over birth cohorts looks like: the decision between leak, filling cache, evicting cache
// and warm-up, from rates (live bytes of a cohort divided by its requests).
//
// The youngest cohort is not judged, and while its requests are few neither is the one before: what lives there may
// only be late. Of the others:
//   proven     as old as the oldest block that was ever freed, or older: nothing of that age ever died. Are there
//              enough of these, they alone are judged, and only births can make a difference between them.
//   else       deaths can, too: a level is believed only where it reaches back to the first request without a rise.
//   kLevel     at least six cohorts (four where it started late and is proven) keep a rate whose t interval lies above
//              `least_rate_bytes`, without a decline from older to younger, and a decline by half of the rate is ruled
//              out (one-sided 95 % of the slope's t)
//   kDeclining a significant decline: younger cohorts add less, and those of late still add something
//   kUneven    they keep something, and neither can be said
//   kDying     old cohorts hold significantly less than younger ones, and blocks as old as that were freed
//   kFirstOnly the first cohorts hold something and the others nothing
//   kNothing   none of these
// A cohort far above the others (a table that was resized once) is left out, at most one of four.
// docs/leaks.md has the error rates, tests/unit/analysis/leak_simulation_test.cc measures them.
// Assumptions: see statistics/student.h; also, the noise of a count of blocks is at least a quarter of Poisson's, so
// that a few blocks that happen to be equal are no level. Pure; allocates; one thread at a time.
#pragma once

#include <cstddef>
#include <vector>

#include "analysis/cohort_series.h"

namespace heapledger::analysis {

enum class SeriesShape { kLevel, kDeclining, kUneven, kDying, kFirstOnly, kNothing };

struct SeriesJudgement {
  SeriesShape shape = SeriesShape::kNothing;
  double rate_bytes = 0;        // a request, over the cohorts judged
  double rate_half_width = 0;   // of its t interval, 95 %
  double early_rate_bytes = 0;  // of the first two cohorts judged, and of the last two
  double late_rate_bytes = 0;
  double unseen_rate_bytes = 0;  // a level as small as this could have been overlooked
  std::size_t first_cohort = 0;  // judged
  std::size_t cohorts = 0;       // judged
  bool proven = false;           // nothing as old as these was ever freed
  double held_bytes = 0;         // by all cohorts, also those that were not judged
  double first_held_bytes = 0;   // by the first two
  std::vector<double> bytes;     // by cohort, as given
};

// The confidence of every interval of the leaks report.
inline constexpr double kLeakConfidence = 0.95;

// Half of the smallest block for each request: below it, what interpreters and libraries keep by themselves is found.
inline constexpr double kLeastRateBytes = 8;

SeriesJudgement judge_series(const CohortSeries& cohorts, const SizeSeries& series, double oldest_free_requests);

}  // namespace heapledger::analysis
