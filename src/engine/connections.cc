#include "engine/connections.h"

#include <algorithm>
#include <cstring>

#include "base/clock.h"
#include "engine/books.h"
#include "engine/fork.h"
#include "engine/owners.h"
#include "engine/request_ring.h"
#include "engine/tenure.h"

namespace heapledger::engine {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
using ledger::ConnectionPoolRecord;
using ledger::ConnectionState;
using ledger::ConnectionUse;
using ledger::PoolEventKind;

bool open_for_business(const Engine& e) noexcept { return e.active && !e.frozen; }

ConnectionPoolRecord* find_pool(Engine& e, std::uint32_t pool) noexcept {
  return pool != 0 && pool < e.ledger.header.pool_count.load(kRelaxed) ? &e.ledger.pools[pool] : nullptr;
}

bool same_text(const Engine& e, std::uint32_t offset, std::size_t bytes, std::string_view text) noexcept {
  return std::string_view{e.ledger.strings + offset, bytes} == text;
}

bool same_pool(const Engine& e, const ConnectionPoolRecord& row, const PoolDescription& pool) noexcept {
  return row.min_size == pool.min_size && row.max_size == pool.max_size && row.max_overflow == pool.max_overflow &&
         row.timeout_us == pool.timeout_us && row.recycle_us == pool.recycle_us &&
         same_text(e, row.name_offset, row.name_bytes, pool.name) &&
         same_text(e, row.library_offset, row.library_bytes, pool.library) &&
         same_text(e, row.settings_offset, row.settings_bytes, pool.settings);
}

// An open connection of this process that its scope still names.
OwnerRecord* open_connection(Engine& e, Scope scope) noexcept {
  if (!open_for_business(e) || !is_connection(e, scope)) return nullptr;
  OwnerRecord& who = record(e, OwnerId{scope.owner});
  return who.state == OwnerState::kOpen ? &who : nullptr;
}

void name_request(Engine& e, ConnectionState& state, Scope request) noexcept {
  const bool known = is_current_life(e, request) && record(e, OwnerId{request.owner}).kind == OwnerKind::kRequest;
  state.request_sequence = known ? record(e, OwnerId{request.owner}).sequence : 0;
  state.request_endpoint = known ? record(e, OwnerId{request.owner}).endpoint : ledger::kEndpointUnknown;
}

ledger::PoolEventRecord* reserve_event(Engine& e, std::uint64_t& index) noexcept {
  const ledger::Header& header = e.ledger.header;
  // Acquire: as in reserve_record().
  const std::uint64_t used = header.ring_head.load(kRelaxed) - header.ring_tail.load(std::memory_order_acquire);
  ledger::RingRecord* place = nullptr;
  if (used < ledger::kRingRecords / 2) place = reserve_place(e, index);
  if (place == nullptr) e.ledger.header.dropped_pool_events.fetch_add(1, kRelaxed);
  return reinterpret_cast<ledger::PoolEventRecord*>(place);
}

struct EventFigures {
  std::uint32_t flags = 0;
  std::uint64_t wait_ns = 0;
  std::uint64_t hold_ns = 0;
};

void fill_pool(Engine& e, ledger::PoolEventRecord& row, std::uint32_t pool) noexcept {
  const ConnectionPoolRecord& figures = e.ledger.pools[pool];
  row.record_kind = static_cast<std::uint32_t>(ledger::RecordKind::kPoolEvent);
  row.pool = pool;
  row.open = figures.open;
  row.in_use = figures.in_use;
  row.waiters = figures.waiters;
}

void put_event(Engine& e, OwnerId owner, PoolEventKind kind, const EventFigures& figures) noexcept {
  OwnerRecord& who = record(e, owner);
  ConnectionState& state = who.connection;
  state.last_event_unix_ns = base::unix_ns();
  std::uint64_t index = 0;
  ledger::PoolEventRecord* row = reserve_event(e, index);
  if (row == nullptr) return;
  const ledger::OffGilBank& outside = e.ledger.off_gil[owner.raw()];
  fill_pool(e, *row, state.pool);
  row->at_unix_ns = state.last_event_unix_ns;
  row->kind = kind;
  row->flags = figures.flags;
  row->connection = static_cast<std::uint32_t>(who.sequence);
  row->endpoint = state.request_endpoint;
  row->request_sequence = state.request_sequence;
  row->wait_ns = figures.wait_ns;
  row->hold_ns = figures.hold_ns;
  row->created_unix_ns = who.started_unix_ns;
  row->allocated_bytes = hot(e, owner).allocated_bytes + outside.allocated_bytes.load(kRelaxed);
  row->live_bytes = live_bytes(e, owner);
  row->native_live_bytes = outside.native_live_bytes.load(kRelaxed);
  row->stack = state.stack;
  commit_event(*row, index);
}

// Out of its pool's figures, as what it counted so far.
void leave_figures(Engine& e, ConnectionState& state) noexcept {
  ConnectionPoolRecord& pool = e.ledger.pools[state.pool];
  if (state.use == ConnectionUse::kMaking) return;
  if (pool.open > 0) --pool.open;
  if (state.use == ConnectionUse::kInUse && pool.in_use > 0) --pool.in_use;
}

EventFigures held_figures(const ConnectionState& state) noexcept {
  if (state.use != ConnectionUse::kInUse || state.taken_ns == 0) return {};
  return {ledger::kEventHeld, 0, base::monotonic_ns() - state.taken_ns};
}

void end_owner(Engine& e, OwnerId owner) noexcept {
  record(e, owner).state = OwnerState::kEnded;
  ++e.ended_owners;
  forget_current(e);
  fold(e, owner, gil_live(hot(e, owner)));  // recycles it when nothing is left
  tenure_step(e);
}

}  // namespace

std::uint32_t describe_pool(Engine& e, const PoolDescription& pool) noexcept {
  if (!open_for_business(e)) return 0;
  std::atomic<std::uint32_t>& count = e.ledger.header.pool_count;
  const std::uint32_t next = std::max<std::uint32_t>(1, count.load(kRelaxed));
  for (std::uint32_t id = 1; id < next; ++id) {
    if (same_pool(e, e.ledger.pools[id], pool)) return id;
  }
  const StringRef name = next < ledger::kPools ? intern_string(e, pool.name) : StringRef{};
  const StringRef library = name.bytes != 0 ? intern_string(e, pool.library) : StringRef{};
  const StringRef settings = library.bytes != 0 ? intern_string(e, pool.settings) : StringRef{};
  if (library.bytes == 0) {
    e.ledger.header.untold_pools.fetch_add(1, kRelaxed);
    return 0;
  }
  ConnectionPoolRecord& row = e.ledger.pools[next];
  row = ConnectionPoolRecord{};
  row.name_offset = name.offset;
  row.name_bytes = name.bytes;
  row.library_offset = library.offset;
  row.library_bytes = library.bytes;
  row.settings_offset = settings.offset;
  row.settings_bytes = settings.bytes;
  row.min_size = pool.min_size;
  row.max_size = pool.max_size;
  row.max_overflow = pool.max_overflow;
  row.timeout_us = pool.timeout_us;
  row.recycle_us = pool.recycle_us;
  count.store(next + 1, std::memory_order_release);  // acquire: LedgerView reads rows below the count only
  return next;
}

Scope begin_connection(Engine& e, std::uint32_t pool, Scope request) noexcept {
  ConnectionPoolRecord* row = open_for_business(e) ? find_pool(e, pool) : nullptr;
  if (row == nullptr) return {};
  open_own_ledger(e);
  const OwnerId owner = take_owner(e, OwnerKind::kConnection);
  if (owner.raw() == 0) {
    ++row->untold_connections;
    return {};
  }
  OwnerRecord& who = record(e, owner);
  who.sequence = ++row->connections;
  who.started_unix_ns = base::unix_ns();
  who.connection = ConnectionState{};
  who.connection.pool = pool;
  who.connection.last_event_unix_ns = who.started_unix_ns;
  name_request(e, who.connection, request);
  return {who.generation, owner.raw()};
}

void connected(Engine& e, Scope connection) noexcept {
  OwnerRecord* who = open_connection(e, connection);
  if (who == nullptr || who->connection.use != ConnectionUse::kMaking) return;
  who->connection.use = ConnectionUse::kIdle;
  ++e.ledger.pools[who->connection.pool].open;
  put_event(e, OwnerId{connection.owner}, PoolEventKind::kCreate, {});
}

void fail_connection(Engine& e, Scope connection) noexcept {
  OwnerRecord* who = open_connection(e, connection);
  if (who == nullptr || who->connection.use != ConnectionUse::kMaking) return;
  who->connection.use = ConnectionUse::kClosed;
  who->connection.closed_unix_ns = base::unix_ns();
  end_owner(e, OwnerId{connection.owner});
}

void check_out(Engine& e, Scope connection, std::uint64_t wait_ns, const PoolCaller& caller) noexcept {
  OwnerRecord* who = open_connection(e, connection);
  if (who == nullptr) return;
  ConnectionState& state = who->connection;
  ConnectionPoolRecord& pool = e.ledger.pools[state.pool];
  if (state.use == ConnectionUse::kMaking) ++pool.open;
  if (state.use != ConnectionUse::kInUse) ++pool.in_use;
  state.use = ConnectionUse::kInUse;
  state.taken_ns = base::monotonic_ns();
  state.stack = caller.stack;
  name_request(e, state, caller.request);
  EventFigures figures;
  if (wait_ns != kNotWaited) figures = {ledger::kEventWaited, wait_ns, 0};
  put_event(e, OwnerId{connection.owner}, PoolEventKind::kCheckout, figures);
}

void check_in(Engine& e, Scope connection) noexcept {
  OwnerRecord* who = open_connection(e, connection);
  if (who == nullptr || who->connection.use != ConnectionUse::kInUse) return;
  ConnectionState& state = who->connection;
  const EventFigures figures = held_figures(state);
  ConnectionPoolRecord& pool = e.ledger.pools[state.pool];
  if (pool.in_use > 0) --pool.in_use;
  state.use = ConnectionUse::kIdle;
  put_event(e, OwnerId{connection.owner}, PoolEventKind::kCheckin, figures);
}

void invalidate_connection(Engine& e, Scope connection) noexcept {
  if (open_connection(e, connection) == nullptr) return;
  put_event(e, OwnerId{connection.owner}, PoolEventKind::kInvalidate, {});
}

void close_connection(Engine& e, Scope connection, bool orphan) noexcept {
  OwnerRecord* who = open_connection(e, connection);
  if (who == nullptr) return;
  if (who->connection.use == ConnectionUse::kMaking) {
    fail_connection(e, connection);
    return;
  }
  ConnectionState& state = who->connection;
  EventFigures figures = held_figures(state);
  if (orphan) figures.flags |= ledger::kEventOrphan;
  leave_figures(e, state);
  state.use = orphan ? ConnectionUse::kOrphan : ConnectionUse::kClosed;
  state.closed_unix_ns = base::unix_ns();
  put_event(e, OwnerId{connection.owner}, PoolEventKind::kClose, figures);
  end_owner(e, OwnerId{connection.owner});
}

// Without a pool, the ledger's readers pass it over; its owner lives on for what it holds.
void detach_connection(Engine& e, Scope connection) noexcept {
  OwnerRecord* who = open_connection(e, connection);
  if (who == nullptr) return;
  ConnectionState& state = who->connection;
  const EventFigures figures = held_figures(state);
  leave_figures(e, state);
  const bool was_made = state.use != ConnectionUse::kMaking;
  state.use = ConnectionUse::kClosed;
  state.closed_unix_ns = base::unix_ns();
  if (was_made) put_event(e, OwnerId{connection.owner}, PoolEventKind::kClose, figures);
  state.pool = 0;
  end_owner(e, OwnerId{connection.owner});
}

bool is_checked_out(Engine& e, Scope connection) noexcept {
  const OwnerRecord* who = open_connection(e, connection);
  return who != nullptr && who->connection.use == ConnectionUse::kInUse;
}

void mark_orphan(Engine& e, Scope connection) noexcept {
  OwnerRecord* who = open_connection(e, connection);
  if (who == nullptr || who->connection.use != ConnectionUse::kIdle) return;
  who->connection.use = ConnectionUse::kOrphan;
}

void pool_timed_out(Engine& e, std::uint32_t pool, std::uint64_t wait_ns, const PoolCaller& caller) noexcept {
  if (!open_for_business(e) || find_pool(e, pool) == nullptr) return;
  std::uint64_t index = 0;
  ledger::PoolEventRecord* row = reserve_event(e, index);
  if (row == nullptr) return;
  ConnectionState asker{};
  name_request(e, asker, caller.request);
  fill_pool(e, *row, pool);
  row->at_unix_ns = base::unix_ns();
  row->kind = PoolEventKind::kTimeout;
  row->flags = ledger::kEventWaited;
  row->connection = 0;
  row->endpoint = asker.request_endpoint;
  row->request_sequence = asker.request_sequence;
  row->wait_ns = wait_ns;
  row->hold_ns = row->created_unix_ns = row->allocated_bytes = 0;
  row->live_bytes = row->native_live_bytes = 0;
  row->stack = caller.stack;
  commit_event(*row, index);
}

void pool_waiters_changed(Engine& e, std::uint32_t pool, std::int32_t by) noexcept {
  ConnectionPoolRecord* row = open_for_business(e) ? find_pool(e, pool) : nullptr;
  if (row == nullptr) return;
  const std::int64_t waiters = std::int64_t{row->waiters} + by;
  row->waiters = static_cast<std::uint32_t>(std::max<std::int64_t>(0, waiters));
}

}  // namespace heapledger::engine
