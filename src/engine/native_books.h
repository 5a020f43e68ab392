// Books of native blocks: what the interposer reports, on any thread.
//
// The size of a block is asked of its allocator when it comes and when it goes. Who walks the map (audit, sweep, the
// fork child's recount) asks the size of blocks that others may be freeing: while a walker is there, a block that is
// let go of waits in a list and is freed when the walker has left.
//
//   free     remove entry | walkers?  -> put it back, into the list     | no: size, debit, the allocator's free
//   walker   walkers + 1 | read entries and sizes | walkers - 1 | free the list
//
// Either the walker sees the entry gone or the free sees the walker (both orders are sequentially consistent).
// Thread-safe, never allocates, waits for nobody. Under the GIL only where `Bank::kGil` is passed.
#pragma once

#include "engine/books.h"

namespace heapledger::engine {

enum class Bank : std::uint8_t { kGil, kOffGil };

// The block is `owner`'s from here on; its size. 0: no room in the map; counted, and nothing was credited.
HL_EXPORT std::size_t book_native(Engine& e, void* block, OwnerId owner, Bank bank) noexcept;

// What is known of a block that is about to go; it is forgotten and its native part debited, the rest is the caller's.
struct Release {
  std::uint16_t owner = 0;  // 0: not known, nothing to debit
  bool held = false;        // the caller must not free it: it waits for a walker to leave
  bool python = false;
  std::size_t bytes = 0;
};
HL_EXPORT Release release_native(Engine& e, void* block) noexcept;
// The same before a reallocation: while a walker is there the block stays known, `bytes` is its size, and nothing
// waits.
HL_EXPORT Release release_native_to_resize(Engine& e, void* block) noexcept;
// After a failed reallocation: the block stays.
HL_EXPORT void restore_native(Engine& e, void* block, const Release& was) noexcept;

// A MEM or OBJ hook returns this block: it is not native to its owner after all. False: it is no native block.
HL_EXPORT bool mark_python(Engine& e, const void* block) noexcept;
// Fold the owner's native peak, which rests while a MEM or OBJ hook has not yet said whose block it returns.
HL_EXPORT void fold_native_peak(Engine& e, OwnerId owner) noexcept;

// Give a live block to another owner; false: it is not known.
HL_EXPORT bool adopt_native(Engine& e, const void* block, OwnerId to) noexcept;
// The same for an entry that a walk has found. Under the GIL, with frees held.
void tenure_native(Engine& e, std::uintptr_t address, std::atomic<std::uint16_t>& entry, OwnerId from,
                   OwnerId to) noexcept;

inline void credit_in(Engine& e, OwnerId owner, std::uint64_t bytes, Bank bank) noexcept {
  bank == Bank::kGil ? credit(e, owner, bytes) : credit_off_gil(e, owner, bytes);
}
inline void debit_in(Engine& e, OwnerId owner, std::uint64_t bytes, Bank bank) noexcept {
  bank == Bank::kGil ? debit(e, owner, bytes) : debit_off_gil(e, owner, bytes);
}

// While it lives, blocks that others let go of stay readable. Under the GIL.
class HeldFrees {
 public:
  explicit HeldFrees(Engine& e) noexcept : engine_(e) { e.native_walkers.fetch_add(1, std::memory_order_seq_cst); }
  ~HeldFrees() {
    if (engine_.native_walkers.fetch_sub(1, std::memory_order_seq_cst) == 1) free_held(engine_);
  }
  HeldFrees(const HeldFrees&) = delete;
  HeldFrees& operator=(const HeldFrees&) = delete;

  HL_EXPORT static void free_held(Engine& e) noexcept;

 private:
  Engine& engine_;
};

}  // namespace heapledger::engine
