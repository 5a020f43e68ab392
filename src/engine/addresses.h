// Which addresses of this process are pymalloc's arenas and which the engine's own: for whoever reads its
// /proc/PID/smaps, where the kernel has joined them with other memory.
//
// Under the GIL. Does not allocate. Fork: the child inherits a copy, and publishes it in its own ledger.
#pragma once

#include <cstdint>

#include "engine/engine.h"

namespace heapledger::engine {

// One arena of 1 MiB came from the system, or is about to go back.
HL_EXPORT void arena_came(Engine& e, std::uintptr_t address) noexcept;
HL_EXPORT void arena_went(Engine& e, std::uintptr_t address) noexcept;

// Into the ledger, where arena_came() and arena_went() have put it too since that was mapped.
void publish_addresses(Engine& e) noexcept;

}  // namespace heapledger::engine
