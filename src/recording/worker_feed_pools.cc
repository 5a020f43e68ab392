// A worker's connection pools, from its ledger into the store.
#include <utility>

#include "base/clock.h"
#include "recording/saturating.h"
#include "recording/text.h"
#include "recording/worker_feed.h"

namespace heapledger::recording {
namespace {

std::optional<PoolEventKind> stored_kind(ledger::PoolEventKind kind) noexcept {
  switch (kind) {
    case ledger::PoolEventKind::kCreate:
      return PoolEventKind::kCreate;
    case ledger::PoolEventKind::kCheckout:
      return PoolEventKind::kCheckout;
    case ledger::PoolEventKind::kCheckin:
      return PoolEventKind::kCheckin;
    case ledger::PoolEventKind::kInvalidate:
      return PoolEventKind::kInvalidate;
    case ledger::PoolEventKind::kClose:
      return PoolEventKind::kClose;
    case ledger::PoolEventKind::kTimeout:
      return PoolEventKind::kTimeout;
    case ledger::PoolEventKind::kNone:
      break;
  }
  return std::nullopt;
}

ConnectionState stored_state(const ledger::ConnectionInfo& connection) noexcept {
  switch (connection.use) {
    case ledger::ConnectionUse::kInUse:
      return ConnectionState::kInUse;
    case ledger::ConnectionUse::kOrphan:
      return ConnectionState::kOrphan;
    case ledger::ConnectionUse::kClosed:
      return connection.live_bytes > 0 ? ConnectionState::kClosedKept : ConnectionState::kClosed;
    case ledger::ConnectionUse::kMaking:
    case ledger::ConnectionUse::kIdle:
      break;
  }
  return ConnectionState::kIdle;
}

std::optional<std::int64_t> unless_zero(std::uint64_t value) {
  return value == 0 ? std::nullopt : std::optional(stored_size(value));
}

std::optional<std::int64_t> microseconds(const std::optional<std::uint64_t>& ns) {
  return ns ? std::optional(stored_size(*ns / 1000)) : std::nullopt;
}

}  // namespace

std::uint64_t WorkerFeed::dropped_pool_events() const { return intact() ? view_->counters().dropped_pool_events : 0; }

std::optional<std::int64_t> WorkerFeed::pool(Store& store, std::uint32_t id) {
  if (const auto known = pools_.find(id); known != pools_.end()) return known->second;
  for (const ledger::PoolInfo& info : view_->pools()) {
    if (info.id != id) continue;
    PoolRow row;
    row.worker = row_.id;
    row.name = clean_text(info.name);
    row.library = clean_text(info.library);
    row.settings = clean_text(info.settings);
    row.min_size = info.min_size;
    row.max_size = info.max_size;
    row.max_overflow = info.max_overflow;
    row.timeout_us = info.timeout_us;
    row.recycle_us = info.recycle_us;
    return pools_[id] = store.intern_pool(row);
  }
  return std::nullopt;
}

void WorkerFeed::add_event(Store& store, const ledger::PoolEvent& event) {
  const std::optional<std::int64_t> in_pool = pool(store, event.pool);
  const std::optional<PoolEventKind> kind = stored_kind(event.kind);
  const std::int64_t at_us = since_start_us(event.at_unix_ns);
  if (!in_pool || !kind) return;
  if (events_stored_until_us_ && at_us <= *events_stored_until_us_) return;
  PoolEventRow row;
  row.worker = row_.id;
  row.pool = *in_pool;
  row.at_us = at_us;
  row.kind = *kind;
  row.connection = unless_zero(event.connection);
  row.endpoint = known_endpoint(store, event.endpoint);
  row.request_sequence = unless_zero(event.request_sequence);
  row.wait_us = microseconds(event.wait_ns);
  row.hold_us = microseconds(event.hold_ns);
  if (row.connection) row.live_bytes = event.live_bytes;
  row.size = event.open;
  row.in_use = event.in_use;
  row.idle = row.size - row.in_use;
  row.waiters = event.waiters;
  row.stack = event.stack == 0 ? std::nullopt : stack(store, event.stack);
  store.add_pool_event(row);
  put_event_connection(store, event, *in_pool);
}

// So that one is known that was made and closed between two readings of the books.
void WorkerFeed::put_event_connection(Store& store, const ledger::PoolEvent& event, std::int64_t in_pool) {
  const bool made = event.kind == ledger::PoolEventKind::kCreate;
  const bool closed = event.kind == ledger::PoolEventKind::kClose;
  if (event.connection == 0 || (!made && !closed)) return;
  ConnectionRow row;
  row.worker = row_.id;
  row.pool = in_pool;
  row.number = stored_size(event.connection);
  row.created_us = since_start_us(event.created_unix_ns);
  row.last_event_us = since_start_us(event.at_unix_ns);
  if (closed) row.closed_us = row.last_event_us;
  if (closed) row.state = event.orphan ? ConnectionState::kOrphan : ConnectionState::kClosed;
  row.allocated_bytes = stored_size(event.allocated_bytes);
  row.live_bytes = event.live_bytes;
  if (native_) row.native_bytes = event.native_live_bytes;
  row.endpoint = known_endpoint(store, event.endpoint);
  row.request_sequence = unless_zero(event.request_sequence);
  row.stack = event.stack == 0 ? std::nullopt : stack(store, event.stack);
  store.put_connection(row);
  connections_.insert({row.pool, row.number});
}

// What the ledger holds no more has ended, and nothing of it is live.
void WorkerFeed::update_connections(Store& store) {
  std::set<std::pair<std::int64_t, std::int64_t>> present;
  for (const ledger::ConnectionInfo& info : view_->connections()) {
    const std::optional<std::int64_t> in_pool = pool(store, info.pool);
    if (!in_pool || info.use == ledger::ConnectionUse::kMaking) continue;
    ConnectionRow row;
    row.worker = row_.id;
    row.pool = *in_pool;
    row.number = stored_size(info.number);
    row.created_us = since_start_us(info.created_unix_ns);
    if (info.closed_unix_ns != 0) row.closed_us = since_start_us(info.closed_unix_ns);
    row.state = stored_state(info);
    row.allocated_bytes = stored_size(info.allocated_bytes);
    row.live_bytes = info.live_bytes;
    if (native_) row.native_bytes = info.native_live_bytes;
    row.last_event_us = since_start_us(info.last_event_unix_ns);
    row.endpoint = known_endpoint(store, info.endpoint);
    row.request_sequence = unless_zero(info.request_sequence);
    row.stack = info.stack == 0 ? std::nullopt : stack(store, info.stack);
    store.put_connection(row);
    present.insert({row.pool, row.number});
  }
  const std::int64_t now_us = since_start_us(base::unix_ns());
  for (const auto& [in_pool, number] : connections_) {
    if (!present.contains({in_pool, number})) store.end_connection(in_pool, number, now_us);
  }
  connections_ = std::move(present);
}

}  // namespace heapledger::recording
