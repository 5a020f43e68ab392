// What the hooks do with a block: the slow halves, out of line so that the fast ones save few registers.
// GIL held unless the name says raw. No allocation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpython/current_owner.h"

namespace heapledger::cpython {

inline Engine& books() noexcept { return engine::engine(); }

// A block of 1 to 512 bytes whose owner or pool was not known at hand; returns `block`, so that the hook ends in this
// call. A null block is returned as it is.
HL_NOINLINE void* book_small_slow(void* block, std::size_t block_bytes) noexcept;
// The same after the credit of the current owner left the window.
HL_NOINLINE void* fold_credit(void* block, std::size_t block_bytes) noexcept;

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

// For PoolMap: owners of blocks whose free we never saw.
void debit_lost(void* context, std::uint16_t owner, std::size_t block_bytes);

}  // namespace heapledger::cpython
