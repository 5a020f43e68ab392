// How a pool moved over time: one pattern for the course of its size and of the connections in use.
//
// Asked in this order, of the size first and then of what is in use; the first that holds is the pattern. The time is
// cut into eight equal blocks, the first of which (the pool fills) is left out.
//   growing    the least level of a block never falls from block to block, rises in four of the six steps at least, in
//              the last two as well, by three connections and a quarter of the level in all, a third of it in the later
//              half: a pool that only ever opens what it needs at most grows, too, but less and less
//   shrinking  the same of the most, downwards
//   sawtooth   three cycles at least (five of what is in use, which also moves by chance) of slow rise and fast fall by
//              half of the range, two connections at least: the rise takes three times as long as the fall and 30 % of
//              the cycle, in four of five cycles
//   bursty     in use goes above half of its height three times at least, for a fifth of the time at most, to three
//              times of what is usual (the median) and four more, and is 2.5 times as uneven as chance makes it
//              (statistics/level_series.h, dispersion)
//   stable     otherwise; unknown under kLeastCheckoutsForPattern.
// Pure; allocates; thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "analysis/statistics/level_series.h"
#include "heapledger/pool_monitor.h"

namespace heapledger::analysis {

inline constexpr std::uint64_t kLeastCheckoutsForPattern = 20;

// pools and pools_alike are 1.
PoolTrend judge_course(const statistics::LevelSeries& size, const statistics::LevelSeries& in_use,
                       std::uint64_t checkouts);

// What most checkouts speak for.
PoolTrend combine_trends(const std::vector<PoolTrend>& trends);

}  // namespace heapledger::analysis
