// The engine's one object: every table that the hooks touch, at fixed offsets from one address, which is what the
// hooks are handed as their context. Zero-initialised static memory: usable before main, nothing runs at load.
//
// Synchronisation rules:
//   1. "Under the GIL" means: the caller excludes every other such caller. Inside CPython that is the GIL; through
//      the C seam it is the lock in engine/seam.cc; in tests it is a mutex.
//   2. HotBank, owner records, PoolMap, the free list and `current` are touched under the GIL only.
//   3. OffGilBank, WordMap, NativeMap and the header's atomics may be touched by any thread at any time.
//   4. No function here waits, uses the heap, raises, or prints. What cannot be done is counted in the header.
//   5. After fork the child runs child_after_fork() (engine/fork.h) before any hook of its own stores anything.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/ids.h"
#include "engine/curve.h"
#include "engine/export.h"
#include "engine/native_map.h"
#include "engine/phase_book.h"
#include "engine/pool_map.h"
#include "engine/sampler.h"
#include "engine/word_map.h"
#include "ledger/layout.h"

namespace heapledger::engine {

using base::EndpointId;
using base::OwnerId;
using ledger::HotBank;
using ledger::OwnerKind;
using ledger::OwnerRecord;
using ledger::OwnerState;

// Whom the running code's allocations are charged to, as last resolved under the GIL, and the key it was resolved for.
// What the key's words mean is the business of whoever resolves (src/cpython/current_owner.h).
struct CurrentOwner {
  const void* thread;  // kNoThread: not resolved; everything else is then stale
  std::uint64_t thread_id;
  std::uint64_t context_version;
  HotBank* bank;        // the owner's
  std::uint16_t owner;  // kNobody: none yet, or it is gone
};
inline constexpr std::uint16_t kNobody = 0xFFFF;  // no block has this owner
// No thread's state lies there, nor does "no thread" (nullptr): one comparison tells both.
inline const void* const kNoThread = reinterpret_cast<const void*>(std::uintptr_t{1});

// Frees of somebody's block that happened before the new current owner was known: settled at the next resolution.
struct PendingFree {
  std::uint16_t owner;
  std::uint32_t blocks;
  std::uint64_t bytes;
};
inline constexpr std::size_t kPendingFrees = 16;

// The largest number of requests in flight since request n began, for every open n: maxima of suffixes.
struct InFlightMaximum {
  std::uint64_t sequence;
  std::uint32_t value;
};

// The allocator that native blocks come from, as the preload library found it. nullptr: native memory is not seen.
// Where pymalloc's arenas are, in runs as in ledger::KnownAddresses. The process's own copy: after fork it is the
// child's, while what the parent writes into the shared ledger is not. [gil]
struct ArenaRuns {
  std::uint32_t count;
  std::uint32_t untold;
  std::uint64_t runs[ledger::kArenaRuns];
};

struct NativeAllocator {
  std::size_t (*usable_bytes)(void*);
  void (*free)(void*);
  bool is_libc;
};

struct Engine {
  ledger::Ledger ledger;  // static memory until a file is mapped over it
  CurrentOwner current;
  bool active;  // hooks installed and books open
  bool frozen;
  PoolMap pools;
  WordMap words;
  NativeMap natives;
  NativeAllocator native;
  std::atomic<std::uint32_t> native_walkers;  // somebody reads sizes of blocks that are not his (engine/native_books.h)
  std::atomic<void*> held_frees;              // blocks that wait until nobody does; each links to the next

  std::uint16_t free_owners[ledger::kOwnerSlots];  // stack
  std::uint32_t free_owner_count;
  std::uint32_t first_open;  // list of open requests
  InFlightMaximum in_flight_maxima[ledger::kOwnerSlots + 1];
  std::uint32_t in_flight_maxima_count;

  PendingFree pending[kPendingFrees];
  std::uint32_t pending_count;
  CurrentOwner pending_key;
  std::uint64_t resumed_ns;  // when `current.owner` began to run

  std::int64_t process_level_bytes;  // sum of the owners' recorded levels
  std::int64_t peak_snapshot_bytes;  // level at the last snapshot of the peak's composition

  std::uint16_t import_owners[1024];
  std::uint32_t import_owner_count;
  std::uint32_t content_type_offsets[128];
  std::uint16_t content_type_bytes[128];
  std::uint32_t content_type_count;

  Sampler sampler;
  Curve curves[ledger::kOwnerSlots];      // [gil] of open requests
  PhaseBook phases[ledger::kOwnerSlots];  // [gil]
  std::uint32_t cohort_owner_count;

  std::uint32_t ended_owners;  // ended, with live bytes: the sweep's work
  std::uint64_t sweep_pool_cursor;
  std::uint64_t sweep_word_cursor;
  std::uint64_t sweep_native_cursor;
  std::uint64_t drop_cursor;  // NativeMap::drop_empty_pages
  bool sweeping;

  std::uint64_t arena_bytes;  // pymalloc arenas seen coming
  ArenaRuns arenas;
  std::uint64_t lost_frees;  // blocks whose free we never saw
  std::uint64_t next_sample_ns;
  const char* off_reason;  // why the books are closed, nullptr while open
  int ledger_file;         // 1 once a file is mapped
  int ledger_failed;       // errno of the attempt to make one
  int fork_handler;        // 1 once registered
  char run_dir[512];
  char ledger_path[512];
};

extern "C" HL_EXPORT char hl_engine_storage[];

inline Engine& engine() noexcept { return *reinterpret_cast<Engine*>(hl_engine_storage); }

inline HotBank& hot(Engine& e, OwnerId owner) noexcept { return e.ledger.hot[owner.raw()]; }
inline OwnerRecord& record(Engine& e, OwnerId owner) noexcept { return e.ledger.owners[owner.raw()]; }
inline std::int64_t gil_live(const HotBank& bank) noexcept { return bank.threshold - bank.room; }

// A block that is not in a pool goes. Any thread.
inline void drop_if_sampled(Engine& e, std::uintptr_t address) noexcept {
  if (HL_UNLIKELY(may_be_sampled(e.sampler, address))) drop_sample(e, address);
}

// The next allocation asks again who is running.
// Any thread may do this; relaxed: the word is all there is to see.
inline void forget_current(Engine& e) noexcept { __atomic_store_n(&e.current.thread, kNoThread, __ATOMIC_RELAXED); }

}  // namespace heapledger::engine
