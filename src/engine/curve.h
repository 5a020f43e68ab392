// How a request's live bytes move over its duration: up to 32 stretches of time, each with its byte-seconds, which are
// exact as the books' are. Neighbours at one level are one; a full list is halved by joining them. At the end it
// becomes sixteen levels (ledger::RingRecord::curve). The peak's moment is when the level first came within an eighth
// of the peak, as far as the window tells (engine/books.h). Under the GIL. Never allocates. Fork: the child's open
// requests are none.
#pragma once

#include <cstdint>

#include "base/ids.h"
#include "engine/export.h"

namespace heapledger::engine {

struct Engine;

struct Curve {
  static constexpr std::uint32_t kStretches = 32;
  struct Stretch {
    float seconds;
    float byte_seconds;
  };
  std::uint64_t levels;  // once finished
  std::uint64_t peak_ns;
  std::int64_t peak_bytes;
  std::uint8_t peak_percent;  // kNoCurve until finished
  std::uint8_t count;
  Stretch stretches[kStretches];
};

HL_EXPORT void begin_curve(Engine& e, base::OwnerId owner) noexcept;
HL_EXPORT void extend_curve(Engine& e, base::OwnerId owner, double seconds, double byte_seconds) noexcept;
HL_EXPORT void raise_curve_peak(Engine& e, base::OwnerId owner, std::int64_t peak_bytes, std::uint64_t now_ns) noexcept;
HL_EXPORT void finish_curve(Engine& e, base::OwnerId owner) noexcept;

}  // namespace heapledger::engine
