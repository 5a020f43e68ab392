// Did glibc map this chunk by itself? Such a block grows by mremap, so that its old and its new place never exist at
// once. Asked of a header only where the allocator was seen to write it. Thread-safe after the one probe; no heap.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapledger::cpython {

// A block far above the largest mmap threshold: is its header what glibc writes for a mapped chunk?
template <typename Allocate, typename Release>
bool mapped_bit_is_glibcs(Allocate allocate, Release release) noexcept {
  constexpr std::size_t kBytes = std::size_t{64} * 1024 * 1024;
  constexpr std::size_t kChunkBytes = kBytes + 4096;
  void* block = allocate(kBytes);
  if (block == nullptr) return false;
  const bool at_page_start = (reinterpret_cast<std::uintptr_t>(block) & 4095) == 16;
  const bool matches = at_page_start && static_cast<const std::size_t*>(block)[-1] == (kChunkBytes | 2U);
  release(block);
  return matches;
}

// Only where the bit is glibc's.
inline bool has_mapped_bit(const void* block) noexcept {
  constexpr std::size_t kMappedFlag = 2;
  return (static_cast<const std::size_t*>(block)[-1] & kMappedFlag) != 0;
}

}  // namespace heapledger::cpython
