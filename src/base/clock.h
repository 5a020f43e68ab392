// Nanosecond clocks. Thread-safe, signal-safe, never allocates, fork-safe (no state).
#pragma once

#include <cstdint>

namespace heapledger::base {

// CLOCK_MONOTONIC: durations, comparable between processes of one machine.
std::uint64_t monotonic_ns() noexcept;

// CLOCK_REALTIME: nanoseconds since 1970.
std::uint64_t unix_ns() noexcept;

}  // namespace heapledger::base
