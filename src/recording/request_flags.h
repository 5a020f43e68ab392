// What the flags of a request's row say, for analyses, which do not know the ledger's layout. Pure; no allocation.
#pragma once

#include <cstdint>

#include "ledger/layout.h"

namespace heapledger::recording {

// Status 500 and above, or raised.
constexpr bool is_error(std::int32_t status, std::uint32_t flags) {
  return status >= 500 || (flags & ledger::kRequestRaised) != 0;
}

// Served while no owner slot was free: its bytes are in its endpoint's books, not in its row.
constexpr bool is_approximate(std::uint32_t flags) { return (flags & ledger::kRequestApproximate) != 0; }

}  // namespace heapledger::recording
