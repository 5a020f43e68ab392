// The ledger's records about bodies: what each phase of a request took, how bodies were encoded, which limits hold.
// Part of ledger/layout.h, whose guarantees and markings hold here.
#pragma once

#include <algorithm>
#include <cstdint>

namespace heapledger::ledger {

// What a request is doing. Its figures add up to the request's own: bytes allocated to all that it allocated up to its
// end, and the highest peak is its peak.
enum class Phase : std::uint8_t { kRead = 0, kDeserialize = 1, kHandle = 2, kSerialize = 3, kSend = 4 };
inline constexpr std::uint32_t kPhases = 5;

struct PhaseFigures {
  std::uint64_t allocated_bytes = 0;
  std::uint64_t peak_bytes = 0;  // the request's highest live bytes while it was in this phase
  std::uint64_t us = 0;
  friend bool operator==(const PhaseFigures&, const PhaseFigures&) = default;
};

// Fourteen bytes. What is larger stays at the largest: 1 TiB, 71 minutes.
struct PackedPhase {
  static constexpr std::uint64_t kLargestBytes = (std::uint64_t{1} << 40) - 1;
  static constexpr std::uint64_t kLargestUs = (std::uint64_t{1} << 32) - 1;

  std::uint16_t words[7];

  static PackedPhase of(const PhaseFigures& figures) noexcept {
    const std::uint64_t allocated = std::min(figures.allocated_bytes, kLargestBytes);
    const std::uint64_t peak = std::min(figures.peak_bytes, kLargestBytes);
    const std::uint64_t us = std::min(figures.us, kLargestUs);
    return {{static_cast<std::uint16_t>(allocated), static_cast<std::uint16_t>(allocated >> 16),
             static_cast<std::uint16_t>(peak), static_cast<std::uint16_t>(peak >> 16), static_cast<std::uint16_t>(us),
             static_cast<std::uint16_t>(us >> 16),
             static_cast<std::uint16_t>((allocated >> 32) | ((peak >> 32) << 8))}};
  }

  PhaseFigures figures() const noexcept {
    const auto word = [this](int at) { return std::uint64_t{words[at]}; };
    return {word(0) | word(1) << 16 | (word(6) & 0xFF) << 32, word(2) | word(3) << 16 | (word(6) >> 8) << 32,
            word(4) | word(5) << 16};
  }
};
static_assert(sizeof(PackedPhase) == 14 && alignof(PackedPhase) == 2);

// Content-Encoding of a body. kOther: one that is not listed, or several.
enum class Encoding : std::uint8_t {
  kIdentity = 0,
  kGzip = 1,
  kDeflate = 2,
  kBrotli = 3,
  kZstd = 4,
  kCompress = 5,
  kOther = 6
};

inline constexpr std::uint32_t kBodyLimits = 32;
inline constexpr std::uint64_t kNoBodyLimit = ~std::uint64_t{0};  // the setting exists and sets none

// How large a request body may be, as a framework's setting says.
struct BodyLimit {
  std::uint32_t endpoint;        // 0: all of the process
  std::uint32_t setting_offset;  // string heap
  std::uint32_t setting_bytes;
  std::uint32_t reserved;
  std::uint64_t limit_bytes;
};
static_assert(sizeof(BodyLimit) == 24);

}  // namespace heapledger::ledger
