// The pools' half of LedgerView: their descriptions, connections and events.
#include <algorithm>

#include "ledger/ledger_view.h"
#include "ledger/owner_copy.h"

namespace heapledger::ledger {
namespace {

std::optional<std::int64_t> unless_unset(std::int64_t value) { return value < 0 ? std::nullopt : std::optional(value); }

bool is_event(PoolEventKind kind) noexcept { return kind >= PoolEventKind::kCreate && kind <= PoolEventKind::kTimeout; }

}  // namespace

std::optional<PoolEvent> LedgerView::event_from(const RingRecord& place) noexcept {
  Copy<PoolEventRecord> record;
  record.take(reinterpret_cast<const PoolEventRecord&>(place));
  if (!is_event(record->kind) || record->pool == 0 || record->pool >= kPools) return std::nullopt;
  PoolEvent event;
  event.pool = record->pool;
  event.kind = record->kind;
  event.at_unix_ns = record->at_unix_ns;
  event.connection = record->connection;
  event.endpoint = record->endpoint;
  event.request_sequence = record->request_sequence;
  if ((record->flags & kEventWaited) != 0) event.wait_ns = record->wait_ns;
  if ((record->flags & kEventHeld) != 0) event.hold_ns = record->hold_ns;
  event.orphan = (record->flags & kEventOrphan) != 0;
  event.created_unix_ns = record->created_unix_ns;
  event.allocated_bytes = record->allocated_bytes;
  event.live_bytes = record->live_bytes;
  event.native_live_bytes = record->native_live_bytes;
  event.open = record->open;
  event.in_use = std::min(record->in_use, record->open);
  event.waiters = record->waiters;
  event.stack = record->stack;
  return event;
}

std::vector<PoolInfo> LedgerView::pools() const {
  // Acquire: pairs with the writer's release after the record was written.
  const std::uint32_t end = std::min(ledger_->header.pool_count.load(std::memory_order_acquire), kPools);
  std::vector<PoolInfo> pools;
  for (std::uint32_t id = 1; id < end; ++id) {
    const Copy<ConnectionPoolRecord> record(ledger_->pools[id]);
    PoolInfo pool;
    pool.id = id;
    pool.name = text({record->name_offset, record->name_bytes});
    pool.library = text({record->library_offset, record->library_bytes});
    pool.settings = text({record->settings_offset, record->settings_bytes});
    pool.min_size = unless_unset(record->min_size);
    pool.max_size = unless_unset(record->max_size);
    pool.max_overflow = unless_unset(record->max_overflow);
    pool.timeout_us = unless_unset(record->timeout_us);
    pool.recycle_us = unless_unset(record->recycle_us);
    if (!pool.name.empty() && !pool.library.empty()) pools.push_back(std::move(pool));
  }
  return pools;
}

std::vector<ConnectionInfo> LedgerView::connections() const {
  std::vector<ConnectionInfo> connections;
  const std::uint32_t end = slots_in_use();
  for (std::uint32_t id = kOwnerService; id < end; ++id) {
    Copy<OwnerRecord> copy;
    if (ledger_->owners[id].kind != OwnerKind::kConnection || !take_record(ledger_->owners[id], copy)) continue;
    const OwnerRecord& record = *copy;
    const ConnectionState& state = record.connection;
    if (record.kind != OwnerKind::kConnection || record.state == OwnerState::kFree) continue;
    if (state.use > ConnectionUse::kOrphan || state.pool == 0 || state.pool >= kPools) continue;
    const Owner owner = read_owner(id);
    ConnectionInfo connection;
    connection.pool = state.pool;
    connection.number = record.sequence;
    connection.use = state.use;
    connection.created_unix_ns = record.started_unix_ns;
    connection.closed_unix_ns = state.closed_unix_ns;
    connection.last_event_unix_ns = state.last_event_unix_ns;
    connection.allocated_bytes = owner.allocated_bytes;
    connection.live_bytes = owner.live_bytes;
    connection.native_live_bytes = ledger_->off_gil[id].native_live_bytes.load(std::memory_order_relaxed);
    connection.endpoint = state.request_endpoint;
    connection.request_sequence = state.request_sequence;
    connection.stack = state.stack;
    connections.push_back(connection);
  }
  return connections;
}

}  // namespace heapledger::ledger
