// A service's load as capacity models see it, and how often it takes more than it may.
//
//   exceedances = sum_i lambda_i P(C - peak_i < M <= C)
//
// A request of kind i comes upon M bytes held by the others (the arrivals' own law, by Poisson independence) and lifts
// them over C when its peak does not fit below it any more. An exceedance is counted when it begins. `at_risk` also
// counts requests that come while M is over C already: it grows with the load, as a limit's criterion must.
// Requests larger than any recorded are not in the histograms: `tail` is their rate by the fitted tail laws,
// sum_i lambda_i P(peak_i > C - E M), counted where C - E M is above the largest recorded peak.
//
// Assumes: arrivals are Poisson and steady, durations do not depend on the load. Pure functions; allocate.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "analysis/statistics/compound_poisson.h"
#include "analysis/statistics/level_histogram.h"
#include "analysis/statistics/tail_index.h"
#include "analysis/traffic.h"

namespace heapledger::analysis {

struct LoadClass {
  double per_second = 0;
  double seconds = 0;                 // mean duration
  double requests = 0;                // that it is known from
  statistics::LevelHistogram levels;  // of one request: seconds at each level
  statistics::LevelHistogram peaks;   // of one request: probability of each peak
  std::optional<statistics::Tail> tail;
  double byte_seconds() const { return levels.weighted_bytes(); }
};

// Of all parts of the traffic's time, or of those given, each as often as it is named.
std::vector<LoadClass> load_of(const Traffic& traffic, std::span<const std::size_t> parts = {});

// Fits a tail to the recorded peaks of each class. Reorders them.
void add_tails(Traffic& traffic, std::vector<LoadClass>& load);

// The load made heavier: rates by class, and how much longer everything takes.
struct Heavier {
  double rate = 1;
  double stretch = 1;
  std::optional<std::size_t> surging;  // this class alone by `surge`
  double surge = 1;
};

struct Exhaustion {
  double exceedances_per_day = 0;
  double at_risk_per_day = 0;
  double tail_per_day = 0;
  double over_ratio = 0;     // of the time
  double tail_requests = 0;  // so many of the recorded requests would have been in `tail`
  double mean_bytes = 0;
  std::vector<double> by_class_per_day;  // exceedances with tail
  double per_day() const { return exceedances_per_day + tail_per_day; }
};

Exhaustion exhaust(const std::vector<LoadClass>& load, double headroom_bytes, const Heavier& heavier = {},
                   std::size_t cells = statistics::kFineCells);

std::vector<statistics::Part> parts_of(const statistics::LevelHistogram& histogram, double factor = 1);

inline constexpr double kSecondsADay = 86'400;

}  // namespace heapledger::analysis
