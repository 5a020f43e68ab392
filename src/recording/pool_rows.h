// What a recording holds of connection pools, as typed rows. Conventions as in rows.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace heapledger::recording {

struct PoolRow {
  std::int64_t id = 0;
  std::int64_t worker = 0;
  std::string name;
  std::string library;
  std::optional<std::int64_t> min_size;
  std::optional<std::int64_t> max_size;
  std::optional<std::int64_t> max_overflow;  // beyond max_size; nullopt: the library has no such thing
  std::optional<std::int64_t> timeout_us;
  std::optional<std::int64_t> recycle_us;
  std::string settings;  // JSON: setting to value, as the library calls them
};

// kClosedKept: closed, and bytes of it still live; kOrphan: alive, and its pool knows nothing of it.
enum class ConnectionState { kIdle, kInUse, kClosed, kClosedKept, kOrphan };

// As last read.
struct ConnectionRow {
  std::int64_t worker = 0;
  std::int64_t pool = 0;    // PoolRow::id
  std::int64_t number = 0;  // in its pool
  std::int64_t created_us = 0;
  std::optional<std::int64_t> closed_us;
  ConnectionState state = ConnectionState::kIdle;
  std::int64_t allocated_bytes = 0;
  std::int64_t live_bytes = 0;
  std::optional<std::int64_t> native_bytes;
  std::int64_t last_event_us = 0;
  std::optional<std::int64_t> endpoint;  // of its last checkout, as what follows
  std::optional<std::int64_t> request_sequence;
  std::optional<std::int64_t> stack;  // StackRow::id
};

enum class PoolEventKind { kCreate, kCheckout, kCheckin, kInvalidate, kClose, kTimeout };

struct PoolEventRow {
  std::int64_t worker = 0;
  std::int64_t pool = 0;
  std::int64_t at_us = 0;
  PoolEventKind kind = PoolEventKind::kCreate;
  std::optional<std::int64_t> connection;  // ConnectionRow::number; a timeout has none
  std::optional<std::int64_t> endpoint;
  std::optional<std::int64_t> request_sequence;
  std::optional<std::int64_t> wait_us;  // of a checkout or timeout
  std::optional<std::int64_t> hold_us;  // of a checkin
  std::optional<std::int64_t> live_bytes;
  std::int64_t size = 0;  // of the pool, after the event
  std::int64_t in_use = 0;
  std::int64_t idle = 0;
  std::optional<std::int64_t> waiters;
  std::optional<std::int64_t> stack;
};

}  // namespace heapledger::recording
