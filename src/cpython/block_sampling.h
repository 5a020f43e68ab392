// The moment of a sampled allocation: which Python code made it, and whose it is. Called from allocation hooks, with
// the GIL or without it (then a thread walks its own frames, which stand still); nothing here allocates, waits or
// touches a reference count. See engine/sampler.h for the law of the sample.
#pragma once

#include "cpython/current_owner.h"
#include "cpython/stack_walk.h"

namespace heapledger::cpython {

// The block is `owner`'s and took the countdown below zero: draw anew; true when it is sampled from here on.
// `state`: the thread that holds the GIL, nullptr for a thread without it.
HL_NOINLINE bool sample_block(const void* block, std::size_t bytes, std::uint16_t owner,
                              const PyThreadState* state) noexcept;

// Id of a stack, innermost frame first, entered where it is new; under a Hold (engine/sampler.h). 0: no frames, or no
// room (counted).
std::uint16_t stack_of(Engine& e, const PythonFrame* frames, std::size_t depth, bool truncated) noexcept;

// The countdown of whoever allocates: the engine's under the GIL, else the thread's own.
inline bool is_due(Engine& e, std::size_t bytes, bool under_gil) noexcept {
  return engine::count_down(under_gil ? e.sampler.room_bytes : t_owner.sample_room_bytes, bytes);
}

}  // namespace heapledger::cpython
