// A whole number that changes in steps over time, such as connections in use, and how it moved.
//
//   mean of [a, b)   = 1/(b-a) * integral of the level
//   quantile(q)      = the least level that for at least the share q of the time was not exceeded
//   dispersion       = variance over time / mean over time. Of what comes by chance alone (Poisson arrivals, any times
//                      of service, nobody waiting) the level is Poisson distributed, and this is 1
//   turns            = ends of rises and falls of at least `least_swing`, smaller ones within them not counted
//
// Sources: for the Poisson level, L. Takács, Introduction to the Theory of Queues, chapter 3 (M/G/infinity). All times
// in microseconds. One thread at a time; allocates; fork-safe.
#pragma once

#include <cstdint>
#include <vector>

namespace heapledger::analysis::statistics {

// Extremes within one of several equal parts of the time.
struct LevelBlock {
  std::int32_t least = 0;
  std::int32_t most = 0;
  double mean = 0;
};

// Highest and lowest points, by turns. `begin_us`: when the level was first there, `end_us`: when it was last there.
struct LevelTurn {
  std::int32_t level = 0;
  std::int64_t begin_us = 0;
  std::int64_t end_us = 0;
};

class LevelSeries {
 public:
  // Times may not go back: one that does counts as the latest before it. Levels outside of [0, 2^31) are cut to it.
  void add(std::int64_t at_us, std::int64_t level);

  // Closes the series; later than the last step, or it is that step's time.
  void end(std::int64_t at_us);

  // Takes one off the level from `at_us` on.
  void lower_from(std::int64_t at_us);

  bool empty() const { return steps_.empty(); }
  std::int64_t duration_us() const;
  std::int32_t quantile(double ratio) const;
  double dispersion() const;
  double time_ratio_above(double level) const;
  std::uint64_t rises_above(double level) const;
  std::vector<LevelBlock> blocks(std::size_t count) const;
  std::vector<LevelTurn> turns(std::int32_t least_swing) const;

 private:
  struct Step {
    std::int64_t at_us;
    std::int32_t level;
  };
  // Calls visit(level, from_us, until_us) for every step of some duration.
  template <class Visit>
  void for_each_span(Visit visit) const;

  std::vector<Step> steps_;
  std::int64_t end_us_ = 0;
};

}  // namespace heapledger::analysis::statistics
