// A private copy of an owner's record, taken while it stands still. Never allocates, thread-safe, fork-safe.
#pragma once

#include "ledger/layout.h"
#include "ledger/shared_copy.h"

namespace heapledger::ledger {

inline constexpr int kTornRetries = 64;

// False: its writer died, or would not stop, while rewriting who the owner is.
inline bool take_record(const OwnerRecord& shared, Copy<OwnerRecord>& copy) noexcept {
  for (int attempt = 0; attempt < kTornRetries; ++attempt) {
    const std::uint32_t before = __atomic_load_n(&shared.generation, __ATOMIC_ACQUIRE);
    copy.take(shared);
    std::atomic_thread_fence(std::memory_order_acquire);
    const std::uint32_t after = __atomic_load_n(&shared.generation, __ATOMIC_RELAXED);
    if (before == after && before % 2 == 0) return true;
  }
  return false;
}

}  // namespace heapledger::ledger
