// Connections of pools as owners: what is allocated while one is made is its own, not the request's that waits for it.
//
//   begin_connection ----> connected ----> checkout <----> checkin ----> close_connection
//   kOpen, kMaking         kIdle           kInUse          kIdle         kEnded: recycled when nothing of it is live
//         |                                                              any more; what is, was kept
//         +----> fail_connection: it was never made        detach_connection: its pool's no longer, whatever lives
//
// Each step but the first and the last-named puts an event into the ring that requests' rows go through, with the
// pool's figures after it. Of the ring's places half are kept for requests: an event that finds no other is dropped and
// counted.
//
// Under the GIL. Never allocates. A scope that is over, or that belongs to the parent of a fork, is recognised by its
// generation or kind: every call on it does nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/scopes.h"

namespace heapledger::engine {

struct PoolDescription {
  std::string_view name;
  std::string_view library;
  std::string_view settings;  // JSON: what the library calls them -> value
  std::int64_t min_size = ledger::kPoolUnset;
  std::int64_t max_size = ledger::kPoolUnset;
  std::int64_t max_overflow = ledger::kPoolUnset;
  std::int64_t timeout_us = ledger::kPoolUnset;
  std::int64_t recycle_us = ledger::kPoolUnset;
};

// Who does it, as far as it is told. Request: whose work it is; stack: StackRecord id, 0: not known.
struct PoolCaller {
  Scope request;
  std::uint32_t stack = 0;
};

// A pool's id; an equal description has the same. 0: no room, counted.
HL_EXPORT std::uint32_t describe_pool(Engine& e, const PoolDescription& pool) noexcept;

// Scope{}: switched off, no such pool, or no slot free (counted).
HL_EXPORT Scope begin_connection(Engine& e, std::uint32_t pool, Scope request) noexcept;
HL_EXPORT void connected(Engine& e, Scope connection) noexcept;
HL_EXPORT void fail_connection(Engine& e, Scope connection) noexcept;

inline constexpr std::uint64_t kNotWaited = ~std::uint64_t{0};
HL_EXPORT void check_out(Engine& e, Scope connection, std::uint64_t wait_ns, const PoolCaller& caller) noexcept;
HL_EXPORT void check_in(Engine& e, Scope connection) noexcept;
HL_EXPORT void invalidate_connection(Engine& e, Scope connection) noexcept;
// `orphan`: it went without its pool's doing.
HL_EXPORT void close_connection(Engine& e, Scope connection, bool orphan) noexcept;
// Whoever has it has taken it out of its pool for good: closed to the pool, and what it holds is none of the pool's.
HL_EXPORT void detach_connection(Engine& e, Scope connection) noexcept;
// It lives, but its pool has neither lent it nor keeps it. No event.
HL_EXPORT void mark_orphan(Engine& e, Scope connection) noexcept;

// Nobody had one to spare in time.
HL_EXPORT void pool_timed_out(Engine& e, std::uint32_t pool, std::uint64_t wait_ns, const PoolCaller& caller) noexcept;
HL_EXPORT void pool_waiters_changed(Engine& e, std::uint32_t pool, std::int32_t by) noexcept;

HL_EXPORT bool is_checked_out(Engine& e, Scope connection) noexcept;

inline bool is_connection(Engine& e, Scope scope) noexcept {
  return is_current_life(e, scope) && record(e, OwnerId{scope.owner}).kind == OwnerKind::kConnection;
}

}  // namespace heapledger::engine
