// A request's life: begin, endpoint known, end (response out), leave (application returned).
//
//   begin ----------------> end --------------------> leave
//   kOpen                   kResponded                kEnded or recycled
//   counts                  row is settled            row is in the ring; what it left behind stays on its slot
//                           counts after-response     until the last block is freed or the sweep tenures it
//
// Under the GIL. Never allocates. A scope that is over, or that belongs to the parent of a fork, is recognised by its
// generation: every call on it does nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/engine.h"

namespace heapledger::engine {

struct Scope {
  std::uint32_t generation = 0;  // 0: no scope
  std::uint16_t owner = 0;
};

struct Outcome {
  std::uint32_t status = 0;
  std::uint32_t flags = 0;  // ledger::kRequest*
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
  std::string_view request_type;
  std::string_view response_type;
  ledger::Encoding request_encoding = ledger::Encoding::kIdentity;
  ledger::Encoding response_encoding = ledger::Encoding::kIdentity;
};

// Scope{}: switched off, or no slot free (counted as approximate; its bytes go to `tenured_owner`).
HL_EXPORT Scope begin_request(Engine& e) noexcept;
HL_EXPORT void set_endpoint(Engine& e, Scope scope, EndpointId endpoint) noexcept;
HL_EXPORT void end_request(Engine& e, Scope scope, const Outcome& outcome) noexcept;
// No row for this open request: its bytes stay in the books as the service's. leave_request() is called as ever.
HL_EXPORT void discard_request(Engine& e, Scope scope) noexcept;
HL_EXPORT void leave_request(Engine& e, Scope scope, const Outcome& outcome) noexcept;

// Whose slot a scope's allocations go to now: its own while it lives, else `endpoint`'s tenured owner.
HL_EXPORT OwnerId owner_of(Engine& e, Scope scope, EndpointId endpoint) noexcept;

inline bool is_current_life(Engine& e, Scope scope) noexcept {
  return scope.generation != 0 && record(e, OwnerId{scope.owner}).generation == scope.generation;
}
inline bool is_open(Engine& e, Scope scope) noexcept {
  return is_current_life(e, scope) && record(e, OwnerId{scope.owner}).state == OwnerState::kOpen;
}

}  // namespace heapledger::engine
