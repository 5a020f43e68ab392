// What LedgerView reads of connection pools. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ledger/layout_pools.h"

namespace heapledger::ledger {

struct PoolInfo {
  std::uint32_t id = 0;
  std::string name;
  std::string library;
  std::string settings;
  std::optional<std::int64_t> min_size;
  std::optional<std::int64_t> max_size;
  std::optional<std::int64_t> max_overflow;
  std::optional<std::int64_t> timeout_us;
  std::optional<std::int64_t> recycle_us;
};

// A connection that is open, or closed with bytes of it still live. What its owner record says.
struct ConnectionInfo {
  std::uint32_t pool = 0;
  std::uint64_t number = 0;
  ConnectionUse use = ConnectionUse::kIdle;
  std::uint64_t created_unix_ns = 0;
  std::uint64_t closed_unix_ns = 0;  // 0: open
  std::uint64_t last_event_unix_ns = 0;
  std::uint64_t allocated_bytes = 0;
  std::int64_t live_bytes = 0;
  std::int64_t native_live_bytes = 0;
  std::uint32_t endpoint = 0;  // of whoever made or took it last
  std::uint64_t request_sequence = 0;
  std::uint32_t stack = 0;
};

struct PoolEvent {
  std::uint32_t pool = 0;
  PoolEventKind kind = PoolEventKind::kNone;
  std::uint64_t at_unix_ns = 0;
  std::uint64_t connection = 0;  // its number; 0: none
  std::uint32_t endpoint = 0;
  std::uint64_t request_sequence = 0;
  std::optional<std::uint64_t> wait_ns;
  std::optional<std::uint64_t> hold_ns;
  bool orphan = false;
  std::uint64_t created_unix_ns = 0;
  std::uint64_t allocated_bytes = 0;
  std::int64_t live_bytes = 0;
  std::int64_t native_live_bytes = 0;
  std::uint32_t open = 0;
  std::uint32_t in_use = 0;
  std::uint32_t waiters = 0;
  std::uint32_t stack = 0;
};

}  // namespace heapledger::ledger
