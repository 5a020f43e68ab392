// What a pool's settings should be, from what was asked of it. Sizes are those of one worker: the largest that any
// worker needs. From kLeastCheckoutsForAdvice on.
//
//   max       so many that at most one checkout in a hundred waits (Erlang C) with the load of the busiest time: the
//             highest mean of connections in use over equal parts of the recording, of some fifty checkouts each;
//             no less than what was in use for all but a thousandth of the time; no less than Tn (Cm - 1) + 1, when Tn
//             requests at one time each hold up to Cm connections: with fewer they can wait for each other for ever;
//             no more than fits into the memory limit, when one is given
//   min       what is in use at most for 95 % of the time, one at least
//   overflow  max - min
//   recycle   where every checkout makes a connection (Django's CONN_MAX_AGE of 0), or where connections grow while
//   they
//             are used: the time in which one doubles
//   timeout   twice the longest that anyone waited or held, a second at least, where it is set to more than twice that
//
// While connections are lost (never returned, or orphans) there is no size and no timeout: what is in use, and who
// waits, is the leak's doing. Those that are suspected are no load: each is taken off from the moment it was taken out.
// Saved is what is held now: between the suggestion and what is kept now by the one setting, above it by the other.
// Sources: statistics/erlang.h; for the floor, the HikariCP project's "About pool sizing".
// Pure; allocates; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "analysis/pool_tables.h"
#include "heapledger/pool_monitor.h"

namespace heapledger::analysis {

inline constexpr std::uint64_t kLeastCheckoutsForAdvice = 100;

// `use` is finished but for these; `room_bytes`: the memory that this pool may take in all workers.
std::vector<PoolRecommendation> recommend(const PoolGroup& group, const PoolUse& use,
                                          const std::optional<double>& room_bytes);

}  // namespace heapledger::analysis
