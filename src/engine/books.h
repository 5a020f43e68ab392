// Credits and debits: the hooked path. An allocation is one subtraction, one test and two additions on the owner's hot
// bank; a free is one comparison, one addition and one test. Everything else is behind HL_NOINLINE.
//
// The window: an owner's live bytes may move in [threshold - width, threshold] without anyone looking
// (room = threshold - live lies in [0, width]). Leaving it runs fold(): the clock is read, live bytes are integrated
// over time, the peak is folded and a new window is laid around the present level, a step to either side
//   step = max(8 KiB, largest power of two <= live, / 8).
// The level used for the elapsed time is the one just before the operation that left the window: exact when the level
// stood still and then jumped (a request that waits), within one step otherwise.
// The peak is exact: min_room remembers the smallest room before any free.
//
// Under the GIL except where a name says off_gil. Never allocates.
#pragma once

#include "engine/engine.h"

namespace heapledger::engine {

// Leave the window behind: `before_bytes` is the hot bank's live level before the operation just made.
HL_EXPORT HL_NOINLINE void fold(Engine& e, OwnerId owner, std::int64_t before_bytes) noexcept;

// `owner`'s block was freed while somebody else ran, as far as `key` (the running code's) is known to say.
HL_EXPORT HL_NOINLINE void freed_elsewhere(Engine& e, OwnerId owner, std::uint64_t bytes,
                                           const CurrentOwner& key) noexcept;

// Its request is over, or it is tenured. Any thread. Acquire: pairs with the release of the flag in survivors.cc, after
// all that survivor_freed() reads of the record.
inline bool is_aged(const Engine& e, std::uint16_t owner) noexcept {
  return (__atomic_load_n(&e.ledger.owners[owner].flags, __ATOMIC_ACQUIRE) & ledger::kOwnerAged) != 0;
}
// Survivors of `owner` were freed while `freer` ran (0: not known, or outside of Python). Any thread.
HL_EXPORT HL_NOINLINE void survivor_freed(Engine& e, std::uint16_t owner, std::uint16_t freer, std::uint64_t bytes,
                                          std::uint64_t blocks, std::uint64_t now_ns) noexcept;

// The same where the running code's owner is known and is not `owner`.
inline void note_freed_by(Engine& e, std::uint16_t freer, std::uint16_t owner, std::uint64_t bytes) noexcept {
  e.ledger.owners[owner].foreign_freed_bytes += bytes;
  e.ledger.owners[freer].adopted_bytes += bytes;
  if (HL_UNLIKELY(is_aged(e, owner))) survivor_freed(e, owner, freer, bytes, 1, e.resumed_ns);
}

// The running code's owner has just been resolved for this key: switch clocks, settle pending frees.
HL_EXPORT HL_NOINLINE void set_current(Engine& e, const CurrentOwner& resolved) noexcept;

// Threads without the GIL read room and threshold beside us (credit_off_gil): relaxed, a snapshot is all they need.
inline void set_room(HotBank& bank, std::int64_t room) noexcept {
  __atomic_store_n(&bank.room, room, __ATOMIC_RELAXED);
}

// So does the sampler of the peak.
inline void set_peak(HotBank& bank, std::uint64_t bytes) noexcept {
  __atomic_store_n(&bank.peak_bytes, bytes, __ATOMIC_RELAXED);
}

// The bookkeeping part of a credit; true when the window was left and fold() is due.
inline bool credit_window(HotBank& bank, std::uint64_t bytes) noexcept {
  const std::int64_t room = bank.room - static_cast<std::int64_t>(bytes);
  set_room(bank, room);
  bank.allocated_bytes += bytes;
  bank.allocations += 1;
  return static_cast<std::uint64_t>(room) > bank.width;
}

inline bool debit_window(HotBank& bank, std::uint64_t bytes) noexcept {
  const std::int64_t before = bank.room;
  if (before < bank.min_room) bank.min_room = before;
  const std::int64_t room = before + static_cast<std::int64_t>(bytes);
  set_room(bank, room);
  return static_cast<std::uint64_t>(room) > bank.width;
}

inline void credit(Engine& e, OwnerId owner, std::uint64_t bytes) noexcept {
  HotBank& bank = hot(e, owner);
  if (HL_UNLIKELY(credit_window(bank, bytes))) fold(e, owner, gil_live(bank) - static_cast<std::int64_t>(bytes));
}

inline void debit(Engine& e, OwnerId owner, std::uint64_t bytes) noexcept {
  HotBank& bank = hot(e, owner);
  if (HL_UNLIKELY(debit_window(bank, bytes))) fold(e, owner, gil_live(bank) + static_cast<std::int64_t>(bytes));
}

// A block changes hands without being freed: from here on it counts as allocated by `to`. The process's totals stand.
inline void move_books(Engine& e, OwnerId from, OwnerId to, std::uint64_t bytes) noexcept {
  credit(e, to, bytes);
  // Before the debit: it may recycle `from`, which hands its totals on.
  hot(e, from).allocated_bytes -= bytes;
  hot(e, from).allocations -= 1;
  debit(e, from, bytes);
}

HL_EXPORT void credit_off_gil(Engine& e, OwnerId owner, std::uint64_t bytes) noexcept;
HL_EXPORT void debit_off_gil(Engine& e, OwnerId owner, std::uint64_t bytes) noexcept;

// Live bytes of both banks.
inline std::int64_t live_bytes(Engine& e, OwnerId owner) noexcept {
  return gil_live(hot(e, owner)) + e.ledger.off_gil[owner.raw()].live_bytes.load(std::memory_order_relaxed);
}
HL_EXPORT std::uint64_t peak_bytes(Engine& e, OwnerId owner) noexcept;
// The owner's highest level since this was asked last; peak_bytes() stays what it is.
std::int64_t restart_peak(Engine& e, OwnerId owner) noexcept;

}  // namespace heapledger::engine
