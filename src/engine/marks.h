// What a service says of its versions: that an endpoint is at its end, and what code took that is only there for
// compatibility. In the ledger, so that it survives the process. Under the GIL. Never allocates; tables are bounded.
// Fork: the child starts its sums anew.
#pragma once

#include <string_view>

#include "engine/owners.h"

namespace heapledger::engine {

// The headers Deprecation and Sunset of an endpoint's responses; empty for none. The first ones count. False: no room.
HL_EXPORT bool note_end_of_life(Engine& e, EndpointId endpoint, std::string_view deprecation,
                                std::string_view sunset) noexcept;

struct CompatCall {
  std::uint64_t allocated_bytes = 0;
  std::uint64_t peak_bytes = 0;
  std::uint64_t duration_ns = 0;
};
// Adds a call to the sums of this name in this endpoint. No room for another one: counted.
HL_EXPORT void note_compat_call(Engine& e, EndpointId endpoint, std::string_view name, const CompatCall& call) noexcept;

HL_EXPORT void forget_compat_calls(ledger::Header& header) noexcept;

}  // namespace heapledger::engine
