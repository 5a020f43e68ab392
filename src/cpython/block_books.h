// What the hooks do with a block: the slow halves, out of line so that the fast ones save few registers.
// GIL held unless the name says raw. No allocation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpython/current_owner.h"

namespace heapledger::cpython {

inline Engine& books() noexcept { return engine::engine(); }

// A pool block whose owner or pool was not known at hand; returns `block` so that the hook can end in this call.
HL_NOINLINE void* book_small_slow(void* block, std::size_t block_bytes) noexcept;
// The same after its credit left the window.
HL_NOINLINE void* fold_credit(void* block, std::uint16_t owner, std::size_t block_bytes) noexcept;

// Word map blocks: RAW and, under the whole rule, MEM and OBJ.
void book_word(void* block, std::size_t bytes) noexcept;
engine::Block forget_word(void* block) noexcept;          // without debiting it
void remember_word(void* block, engine::Block known) noexcept;
void debit_word(engine::Block known) noexcept;
void unbook_word(void* block) noexcept;

// The debit of a pool block when something is unusual: window left, or somebody else's block.
HL_NOINLINE void debit_small_slow(std::uint16_t owner, std::size_t block_bytes, bool fold) noexcept;

// For PoolMap: owners of blocks whose free we never saw.
void debit_lost(void* context, std::uint16_t owner, std::size_t block_bytes);

}  // namespace heapledger::cpython
