// pymalloc's geometry: 16 KiB pools, each cut into blocks of one size (16, 32, ... 512 bytes).
// Constant expressions only; thread-safe, never allocates.
//
// A block's index within its pool is offset / size. The blocks start at pool offset 48, so the quotients of two blocks
// differ by at least one whatever that start is: the index is unique, which is all that the owner array needs.
// The division is a multiplication: offset * ceil(2^24 / size) >> 24, exact for offsets below 2^14 (checked below).
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapledger::engine {

inline constexpr unsigned kPoolShift = 14;
inline constexpr std::size_t kPoolBytes = std::size_t{1} << kPoolShift;
inline constexpr std::size_t kPoolMask = kPoolBytes - 1;
inline constexpr std::size_t kPoolHeaderBytes = 48;
inline constexpr std::size_t kSmallLimitBytes = 512;
inline constexpr std::size_t kSizeStep = 16;
inline constexpr unsigned kReciprocalShift = 24;

constexpr std::size_t block_bytes_for(std::size_t requested_bytes) noexcept {
  return (requested_bytes + (kSizeStep - 1)) & ~(kSizeStep - 1);
}

constexpr std::size_t owner_array_length(std::size_t block_bytes) noexcept { return kPoolMask / block_bytes + 1; }

constexpr std::uint32_t reciprocal_of(std::size_t block_bytes) noexcept {
  return static_cast<std::uint32_t>(((std::size_t{1} << kReciprocalShift) + block_bytes - 1) / block_bytes);
}

constexpr std::size_t block_index(std::size_t pool_offset, std::uint32_t reciprocal) noexcept {
  return (pool_offset * reciprocal) >> kReciprocalShift;
}

// The quotient can only go wrong just below and at the multiples of the size.
constexpr bool reciprocals_are_exact() noexcept {
  for (std::size_t size = kSizeStep; size <= kSmallLimitBytes; size += kSizeStep) {
    for (std::size_t multiple = size; multiple < kPoolBytes; multiple += size) {
      if (block_index(multiple, reciprocal_of(size)) != multiple / size) return false;
      if (block_index(multiple - 1, reciprocal_of(size)) != (multiple - 1) / size) return false;
    }
    if (block_index(kPoolMask, reciprocal_of(size)) != kPoolMask / size) return false;
  }
  return true;
}
static_assert(reciprocals_are_exact());
static_assert(owner_array_length(kSizeStep) == 1024);

}  // namespace heapledger::engine
