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
// No huge pages here: one would make a lazily touched table resident 2 MiB at a time.
void keep_pages_small(void* address, std::size_t bytes) noexcept;
// How many of these bytes are resident, or were read as zeros.
std::size_t resident_bytes_of(const void* address, std::size_t bytes) noexcept;

}  // namespace heapledger::engine
