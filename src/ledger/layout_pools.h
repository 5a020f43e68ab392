// The ledger's records about connection pools and their connections. Part of ledger/layout.h, whose guarantees and
// markings hold here.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace heapledger::ledger {

inline constexpr std::uint32_t kPools = 64;
inline constexpr std::int64_t kPoolUnset = -1;  // of a setting: the library has none, or nobody set it

// A pool as it was described when its first event came. Rows below Header::pool_count, from 1 on; 0 is never one.
struct ConnectionPoolRecord {
  std::uint32_t name_offset;  // all offsets are into the string heap
  std::uint32_t library_offset;
  std::uint32_t settings_offset;
  std::uint16_t name_bytes;
  std::uint16_t library_bytes;
  std::uint16_t settings_bytes;
  std::uint16_t reserved_small;
  std::uint32_t connections;  // [gil] begun so far: the last one's number
  std::int64_t min_size;
  std::int64_t max_size;
  std::int64_t max_overflow;
  std::int64_t timeout_us;
  std::int64_t recycle_us;
  std::uint32_t open;                // [gil] connections that are open
  std::uint32_t in_use;              // [gil] of them checked out
  std::uint32_t waiters;             // [gil] who wait for one
  std::uint32_t untold_connections;  // [gil] found no owner slot: in none of these figures
  std::uint64_t reserved[6];
};
static_assert(sizeof(ConnectionPoolRecord) == 128);

enum class ConnectionUse : std::uint32_t { kMaking = 0, kIdle = 1, kInUse = 2, kClosed = 3, kOrphan = 4 };

// What a connection's owner record holds in the place of a request's figures. [gil]
struct ConnectionState {
  std::uint64_t last_event_unix_ns;
  std::uint64_t taken_ns;          // CLOCK_MONOTONIC of its latest checkout
  std::uint64_t closed_unix_ns;    // 0: open
  std::uint64_t request_sequence;  // of whoever made or took it last; 0: nobody's request
  std::uint32_t request_endpoint;
  std::uint32_t pool;
  std::uint32_t stack;  // where it was taken: StackRecord id; 0: not known
  ConnectionUse use;
  std::uint64_t reserved;
};
static_assert(sizeof(ConnectionState) == 56);

enum class PoolEventKind : std::uint32_t {
  kNone = 0,
  kCreate = 1,
  kCheckout = 2,
  kCheckin = 3,
  kInvalidate = 4,
  kClose = 5,
  kTimeout = 6
};

inline constexpr std::uint32_t kEventWaited = 1u << 0;  // wait_ns was measured
inline constexpr std::uint32_t kEventHeld = 1u << 1;    // hold_ns was measured
inline constexpr std::uint32_t kEventOrphan = 1u << 2;  // of a close: the connection went without its pool's doing

// One event, in a place of the ring of finished requests.
struct PoolEventRecord {
  std::atomic<std::uint64_t> commit;  // as RingRecord's
  std::uint32_t record_kind;          // RecordKind::kPoolEvent
  std::uint32_t pool;
  std::uint64_t at_unix_ns;
  PoolEventKind kind;
  std::uint32_t flags;       // kEvent*
  std::uint32_t connection;  // its number in the pool; 0: none
  std::uint32_t endpoint;
  std::uint64_t request_sequence;
  std::uint64_t wait_ns;
  std::uint64_t hold_ns;
  std::uint64_t created_unix_ns;  // of the connection
  std::uint64_t allocated_bytes;
  std::int64_t live_bytes;
  std::int64_t native_live_bytes;
  std::uint32_t open;  // of the pool, after this event
  std::uint32_t in_use;
  std::uint32_t waiters;
  std::uint32_t stack;
};

}  // namespace heapledger::ledger
