// Which idle connections nobody needs, by how the pool was used.
//
// An idle connection is stale when the pool went on being used without it for more than twice as long as any connection
// of that pool had been idle before it was used again: from its last use (or since it was made) to the pool's last
// checkout. Time without any checkout makes nothing stale. Asked of pools with kLeastReuses uses of an idle connection.
// Pure; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "analysis/pool_tables.h"

namespace heapledger::analysis {

inline constexpr std::uint64_t kLeastReuses = 20;

// Absent where the pool was used too little to say.
std::optional<bool> is_stale(const WorkerPool& pool, const recording::ConnectionRow& connection);

}  // namespace heapledger::analysis
