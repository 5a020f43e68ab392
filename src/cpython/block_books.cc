#include "cpython/block_books.h"

#include "cpython/block_sampling.h"
#include "cpython/native_hooks.h"

namespace heapledger::cpython {

namespace {

using engine::Block;
constexpr auto kRelaxed = std::memory_order_relaxed;

std::uintptr_t address_of(const void* block) noexcept { return reinterpret_cast<std::uintptr_t>(block); }

}  // namespace

void note_foreign_free(Engine& e, std::uint16_t owner, std::size_t bytes) noexcept {
  PyThreadState* state = current_thread_state();
  if (state == nullptr) return;
  if (owner_without_asking(e, state) == 0) owner_now(e, state);
  engine::freed_elsewhere(e, OwnerId{owner}, bytes, key_of(state));
}

void debit_lost(void* context, std::uint16_t owner, std::size_t block_bytes) {
  Engine& e = *static_cast<Engine*>(context);
  ++e.lost_frees;
  engine::debit(e, OwnerId{owner}, block_bytes);
}

void* book_small_slow(void* block, std::size_t block_bytes) noexcept {
  Engine& e = books();
  if (block == nullptr || e.frozen) return block;
  const std::uint16_t owner = owner_now(e, current_thread_state());
  if (owner == 0) return block;
  t_owner.arena_fresh = 0;
  engine::PoolRecord* pool = e.pools.find(address_of(block));
  if (pool == nullptr || pool->block_bytes != block_bytes) {
    // pymalloc without an arena falls back to RAW: its hook, or the interposer, has booked this block.
    if (e.words.find(address_of(block)).owner != 0 || claim_for_python(block)) return block;
    pool = e.pools.set_pool(address_of(block), block_bytes, debit_lost, &e);
    if (pool == nullptr) {
      e.ledger.header.untracked_blocks.fetch_add(1, kRelaxed);
      return block;
    }
  }
  pool->owner_of(address_of(block)) = owner;
  engine::credit(e, OwnerId{owner}, block_bytes);
  if (engine::count_down(e.sampler.room_bytes, block_bytes)) sample_small(block);
  return block;
}

void* fold_credit(void* block, std::size_t block_bytes) noexcept {
  Engine& e = books();
  const std::int64_t live = engine::gil_live(*e.current.bank);
  engine::fold(e, OwnerId{e.current.owner}, live - static_cast<std::int64_t>(block_bytes));
  if (engine::count_down(e.sampler.room_bytes, block_bytes)) sample_small(block);
  return block;
}

void* sample_small(void* block) noexcept {
  engine::PoolRecord* pool = books().pools.find(address_of(block));
  std::uint16_t& place = pool->owner_of(address_of(block));
  if (sample_block(block, pool->block_bytes, place, current_thread_state())) place |= engine::kSampledBit;
  return block;
}

void finish_debit(std::uint16_t owner, std::size_t block_bytes) noexcept {
  Engine& e = books();
  if (owner != e.current.owner) note_foreign_free(e, owner, block_bytes);
  const engine::HotBank& bank = e.ledger.hot[owner];
  if (static_cast<std::uint64_t>(bank.room) <= bank.width) return;
  engine::fold(e, OwnerId{owner}, engine::gil_live(bank) + static_cast<std::int64_t>(block_bytes));
}

void fold_free(const PyMemAllocatorEx& inner, void* block, std::size_t block_bytes) noexcept {
  Engine& e = books();
  const std::int64_t live = engine::gil_live(*e.current.bank);
  engine::fold(e, OwnerId{e.current.owner}, live + static_cast<std::int64_t>(block_bytes));
  inner.free(inner.ctx, block);
}

void free_elsewhere(const PyMemAllocatorEx& inner, void* block, engine::PoolRecord& pool) noexcept {
  Engine& e = books();
  std::uint16_t& place = pool.owner_of(address_of(block));
  const std::uint16_t owner = place & engine::kOwnerMask;
  if (owner != 0) {
    if (HL_UNLIKELY(owner != place)) engine::drop_sample(e, address_of(block));
    place = 0;
    const bool left = engine::debit_window(e.ledger.hot[owner], pool.block_bytes);
    if (HL_LIKELY(!left && owner != e.current.owner && is_quickly_current(e.current, quick_thread_state()))) {
      engine::note_freed_by(e, e.current.owner, owner, pool.block_bytes);
    } else {
      finish_debit(owner, pool.block_bytes);
    }
  }
  inner.free(inner.ctx, block);
}

void book_word(void* block, std::size_t bytes) noexcept {
  Engine& e = books();
  if (e.frozen) return;
  PyThreadState* state = gil_holder();
  const std::uint16_t owner = state != nullptr ? owner_now(e, state) : last_owner(e);
  if (owner == 0) return;
  if (!e.words.insert(address_of(block), {owner, bytes})) {
    e.ledger.header.untracked_blocks.fetch_add(1, kRelaxed);
    return;
  }
  if (state != nullptr) {
    engine::credit(e, OwnerId{owner}, bytes);
  } else {
    engine::credit_off_gil(e, OwnerId{owner}, bytes);
  }
  if (is_due(e, bytes, state != nullptr)) sample_block(block, bytes, owner, state);
}

Block forget_word(void* block) noexcept {
  Engine& e = books();
  const Block known = e.words.remove(address_of(block));
  if (known.owner != 0) engine::drop_if_sampled(e, address_of(block));
  return known;
}

void remember_word(void* block, Block known) noexcept {
  Engine& e = books();
  if (known.owner == 0) return;
  if (e.words.insert(address_of(block), known)) return;
  e.ledger.header.untracked_blocks.fetch_add(1, kRelaxed);
  debit_word(known);
}

void debit_word(Block known) noexcept {
  Engine& e = books();
  if (known.owner == 0 || e.frozen) return;
  const PyThreadState* state = gil_holder();
  if (state == nullptr) {
    engine::debit_off_gil(e, OwnerId{known.owner}, known.bytes);
    return;
  }
  if (known.owner != e.current.owner || !is_current(e.current, state)) note_foreign_free(e, known.owner, known.bytes);
  engine::debit(e, OwnerId{known.owner}, known.bytes);
}

void unbook_word(void* block) noexcept {
  const Block known = forget_word(block);
  if (known.owner != 0) {
    debit_word(known);
  } else if (!books().frozen && !native_is_seen()) {  // the interposer tells foreign blocks itself
    books().ledger.header.foreign_blocks.fetch_add(1, kRelaxed);
  }
}

}  // namespace heapledger::cpython
