// What a request's row says of its body besides sizes: one more bit of RingRecord::flags (layout.h). Kept apart, as few
// rooms ask for it. Plain constant.
#pragma once

#include <cstdint>

namespace heapledger::ledger {

// The application asked for the whole body at once, in however many pieces it came.
inline constexpr std::uint32_t kRequestHeldIn = 1u << 6;

}  // namespace heapledger::ledger
