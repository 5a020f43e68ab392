// Memory for the calls that arrive before the next allocator is known: looking it up allocates.
// Thread-safe (one atomic add), never frees, no locks; fork: private memory. Some hundred bytes are used in practice.
#pragma once

#include <cstddef>

namespace heapledger::hooks {

// Zeroed; nullptr when the arena is full.
void* early_allocate(std::size_t bytes, std::size_t alignment) noexcept;
bool is_early(const void* block) noexcept;
// What was asked for.
std::size_t early_bytes(const void* block) noexcept;

}  // namespace heapledger::hooks
