#include "analysis/pool_stale.h"

#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {

std::optional<bool> is_stale(const WorkerPool& pool, const recording::ConnectionRow& connection) {
  if (pool.history.reuses < kLeastReuses || !pool.history.last_checkout_us) {
    return std::nullopt;
  }
  const std::int64_t used_us = pool.history.last_use_us(connection.number).value_or(connection.last_event_us);
  const std::int64_t unused_us = subtract_limited(*pool.history.last_checkout_us, used_us);
  return connection.state == recording::ConnectionState::kIdle && unused_us / 2 > pool.history.longest_reused_us;
}

}  // namespace heapledger::analysis
