#include "engine/native_books.h"

namespace heapledger::engine {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

std::uintptr_t address_of(const void* block) noexcept { return reinterpret_cast<std::uintptr_t>(block); }

ledger::OffGilBank& native_counters(Engine& e, std::uint16_t owner) noexcept { return e.ledger.off_gil[owner]; }

void add_native(Engine& e, std::uint16_t owner, std::size_t bytes) noexcept {
  ledger::OffGilBank& counters = native_counters(e, owner);
  counters.native_allocated_bytes.fetch_add(bytes, kRelaxed);
  counters.native_live_bytes.fetch_add(static_cast<std::int64_t>(bytes), kRelaxed);
}

void drop_native(Engine& e, std::uint16_t owner, std::size_t bytes) noexcept {
  native_counters(e, owner).native_live_bytes.fetch_sub(static_cast<std::int64_t>(bytes), kRelaxed);
}

void move_native(Engine& e, OwnerId from, OwnerId to, std::size_t bytes) noexcept {
  native_counters(e, from.raw()).native_allocated_bytes.fetch_sub(bytes, kRelaxed);
  drop_native(e, from.raw(), bytes);
  add_native(e, to.raw(), bytes);
  fold_native_peak(e, to);
}

void hold(Engine& e, void* block) noexcept {
  void* first = e.held_frees.load(kRelaxed);
  do {
    *static_cast<void**>(block) = first;
    // Release: whoever takes the list (acquire, free_held) reads the links.
  } while (!e.held_frees.compare_exchange_weak(first, block, std::memory_order_release, kRelaxed));
  if (e.native_walkers.load(std::memory_order_seq_cst) == 0) HeldFrees::free_held(e);  // the walker left meanwhile
}

// The map is closed: nothing changes in it, but somebody may still be walking.
bool is_walked_after_close(Engine& e, void* block) noexcept {
  return e.native_walkers.load(std::memory_order_seq_cst) != 0 && e.natives.find(address_of(block)).owner != 0;
}

// The block is forgotten, or a walker may be at it: then it is known as before.
Release take_out(Engine& e, void* block) noexcept {
  if (HL_UNLIKELY(!e.natives.is_open())) return {.owner = 0, .held = is_walked_after_close(e, block)};
  const NativeEntry known = e.natives.remove(address_of(block));
  if (known.owner == 0) {
    e.ledger.header.foreign_blocks.fetch_add(1, kRelaxed);
    return {};
  }
  if (HL_UNLIKELY(e.native_walkers.load(std::memory_order_seq_cst) != 0)) {
    NativeEntry nothing;
    e.natives.insert(address_of(block), known, nothing);
    return {.owner = 0, .held = true};
  }
  drop_if_sampled(e, address_of(block));
  const Release release{known.owner, false, known.python, e.native.usable_bytes(block)};
  if (!release.python) drop_native(e, release.owner, release.bytes);
  return release;
}

}  // namespace

void fold_native_peak(Engine& e, OwnerId owner) noexcept {
  ledger::OffGilBank& counters = native_counters(e, owner.raw());
  const std::int64_t live = counters.native_live_bytes.load(kRelaxed);
  std::uint64_t peak = counters.native_peak_bytes.load(kRelaxed);
  while (live > static_cast<std::int64_t>(peak) &&
         !counters.native_peak_bytes.compare_exchange_weak(peak, static_cast<std::uint64_t>(live), kRelaxed)) {
  }
}

std::size_t book_native(Engine& e, void* block, OwnerId owner, Bank bank) noexcept {
  const std::size_t bytes = e.native.usable_bytes(block);
  NativeEntry before;
  const NativeMap::Inserted inserted = e.natives.insert(address_of(block), {owner.raw(), false}, before);
  if (HL_UNLIKELY(inserted == NativeMap::Inserted::kNoRoom)) {
    e.ledger.header.untracked_blocks.fetch_add(1, kRelaxed);
    return 0;
  }
  if (HL_UNLIKELY(inserted == NativeMap::Inserted::kReplaced)) {
    // Its size is gone with it. The new one's is the best guess: an allocator reuses a place for the like.
    e.ledger.header.lost_frees.fetch_add(1, kRelaxed);
    if (!before.python) drop_native(e, before.owner, bytes);
    debit_in(e, OwnerId{before.owner}, bytes, bank);
  }
  add_native(e, owner.raw(), bytes);
  credit_in(e, owner, bytes, bank);
  return bytes;
}

Release release_native(Engine& e, void* block) noexcept {
  const Release release = take_out(e, block);
  if (HL_UNLIKELY(release.held)) hold(e, block);
  return release;
}

Release release_native_to_resize(Engine& e, void* block) noexcept {
  Release release = take_out(e, block);
  if (HL_UNLIKELY(release.held)) release.bytes = e.native.usable_bytes(block);
  return release;
}

void restore_native(Engine& e, void* block, const Release& was) noexcept {
  NativeEntry nothing;
  if (e.natives.insert(address_of(block), {was.owner, was.python}, nothing) == NativeMap::Inserted::kNoRoom) {
    e.ledger.header.untracked_blocks.fetch_add(1, kRelaxed);
    debit_off_gil(e, OwnerId{was.owner}, was.bytes);
    return;
  }
  if (!was.python) native_counters(e, was.owner).native_live_bytes.fetch_add(static_cast<std::int64_t>(was.bytes));
}

bool mark_python(Engine& e, const void* block) noexcept {
  const NativeEntry before = e.natives.mark_python(address_of(block));
  if (before.owner == 0) return false;
  if (before.python) return true;
  const std::size_t bytes = e.native.usable_bytes(const_cast<void*>(block));
  native_counters(e, before.owner).native_allocated_bytes.fetch_sub(bytes, kRelaxed);
  drop_native(e, before.owner, bytes);
  return true;
}

bool adopt_native(Engine& e, const void* block, OwnerId to) noexcept {
  NativeEntry before;
  if (!e.natives.exchange_owner(address_of(block), to.raw(), before)) return false;
  if (before.owner == to.raw()) return true;
  const std::size_t bytes = e.native.usable_bytes(const_cast<void*>(block));
  if (!before.python) move_native(e, OwnerId{before.owner}, to, bytes);
  move_books(e, OwnerId{before.owner}, to, bytes);
  return true;
}

void tenure_native(Engine& e, std::uintptr_t address, std::atomic<std::uint16_t>& entry, OwnerId from,
                   OwnerId to) noexcept {
  std::uint16_t seen = entry.load(std::memory_order_seq_cst);
  if (NativeMap::unpack(seen).owner != from.raw()) return;
  const std::size_t bytes = e.native.usable_bytes(reinterpret_cast<void*>(address));
  if (!entry.compare_exchange_strong(seen, NativeMap::with_owner(seen, to.raw()), kRelaxed)) return;
  if (!NativeMap::unpack(seen).python) move_native(e, from, to, bytes);
  move_books(e, from, to, bytes);
}

void HeldFrees::free_held(Engine& e) noexcept {
  void* block = e.held_frees.exchange(nullptr, std::memory_order_acquire);  // release in hold()
  while (block != nullptr) {
    void* next = *static_cast<void**>(block);
    const Release release = release_native(e, block);  // may hold it again: a new walker has come
    if (release.owner != 0) debit_off_gil(e, OwnerId{release.owner}, release.bytes);
    if (!release.held) e.native.free(block);
    block = next;
  }
}

}  // namespace heapledger::engine
