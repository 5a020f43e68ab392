// Open-addressed indexes of small ids, value + 1 a slot, never fuller than half. Nothing is ever taken out.
// For one holder at a time (engine/sampler.h). No heap, no state of its own; fork-safe.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapledger::engine {

inline std::uint64_t mixed(std::uint64_t key) noexcept {
  key ^= key >> 33;
  key *= 0xFF51AFD7ED558CCDULL;
  return key ^ key >> 29;
}

// Ids in an open-addressed index, where `is` says whether an id is the one looked for.
template <std::size_t kSlots, class Is>
std::uint16_t find_in(const std::uint16_t (&index)[kSlots], std::uint64_t hash, Is is) noexcept {
  for (std::size_t at = mixed(hash) % kSlots; index[at] != 0; at = (at + 1) % kSlots) {
    if (is(index[at] - 1U)) return index[at];
  }
  return 0;
}

template <std::size_t kSlots>
void put_in(std::uint16_t (&index)[kSlots], std::uint64_t hash, std::uint16_t id) noexcept {
  std::size_t at = mixed(hash) % kSlots;
  while (index[at] != 0) at = (at + 1) % kSlots;
  index[at] = id;
}

}  // namespace heapledger::engine
