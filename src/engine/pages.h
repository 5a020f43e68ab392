// Anonymous memory straight from the kernel: what the engine lives on. Thread-safe, no heap, fork-safe (no state).
#pragma once

#include <cstddef>

namespace heapledger::engine {

// Zeroed, lazily touched; nullptr when the kernel refuses (RLIMIT_AS, strict overcommit).
void* map_pages(std::size_t bytes) noexcept;
// The same, readable only.
void* map_zero_pages(std::size_t bytes) noexcept;
// Give the pages back to the kernel but keep the addresses; they read as zeros again.
void drop_pages(void* address, std::size_t bytes) noexcept;
// How many of these bytes are resident.
std::size_t resident_bytes_of(const void* address, std::size_t bytes) noexcept;

}  // namespace heapledger::engine
