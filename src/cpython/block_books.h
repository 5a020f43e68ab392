// What the hooks do with a block: the slow halves, out of line so that the fast ones save few registers.
// GIL held unless the name says raw. No allocation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpython/current_owner.h"

namespace heapledger::cpython {

inline Engine& books() noexcept { return engine::engine(); }

// A thread state of our own interpreter if the GIL is held, else nullptr: which bank may be stored into.
inline PyThreadState* gil_holder() noexcept {
  PyThreadState* state = attached_thread_state();
  return state != nullptr && in_main_interpreter(state) ? state : nullptr;
}

// pymalloc's radix nodes: made when an arena is mapped, they are nobody's request.
inline bool is_allocators_own(std::size_t count, std::size_t each) noexcept {
  constexpr std::size_t kSmallestNodeBytes = 4096;
  return t_owner.arena_fresh != 0 && count == 1 && each >= kSmallestNodeBytes && (each & (each - 1)) == 0;
}

// A block of 1 to 512 bytes whose owner or pool was not known at hand; returns `block`, so that the hook ends in this
// call. A null block is returned as it is.
HL_NOINLINE void* book_small_slow(void* block, std::size_t block_bytes) noexcept;
// The same after the credit of the current owner left the window.
HL_NOINLINE void* fold_credit(void* block, std::size_t block_bytes) noexcept;
// After the credit took the countdown below zero (engine/sampler.h): a block in a pool, the current owner's.
HL_NOINLINE void* sample_small(void* block) noexcept;

// Word map blocks: RAW and, under the whole rule, MEM and OBJ.
void book_word(void* block, std::size_t bytes) noexcept;
engine::Block forget_word(void* block) noexcept;  // without debiting it
void remember_word(void* block, engine::Block known) noexcept;
void debit_word(engine::Block known) noexcept;
void unbook_word(void* block) noexcept;

// The debit of a pool block has been made; its window was left, or it is not the current owner's block.
HL_NOINLINE void finish_debit(std::uint16_t owner, std::size_t block_bytes) noexcept;
// A free whose debit left the current owner's window.
HL_NOINLINE void fold_free(const PyMemAllocatorEx& inner, void* block, std::size_t block_bytes) noexcept;
// A free of a pool block that is not the current owner's: somebody else's, or nobody's.
HL_NOINLINE void free_elsewhere(const PyMemAllocatorEx& inner, void* block, engine::PoolRecord& pool) noexcept;

// The one place where a free asks who runs. In the middle of Context.run's exit the variable's borrowed cache may name
// a value that is being destroyed: first our own memory of this key serves, and tokens are never freed (docs/adr/0005).
HL_NOINLINE void note_foreign_free(Engine& e, std::uint16_t owner, std::size_t bytes) noexcept;

// For PoolMap: owners of blocks whose free we never saw.
void debit_lost(void* context, std::uint16_t owner, std::size_t block_bytes);

}  // namespace heapledger::cpython
