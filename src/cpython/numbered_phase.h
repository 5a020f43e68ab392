// Phases by the numbers that Python knows them by: the engine's, and one for reading a body whole. GIL held. Allocates
// nothing.
#pragma once

#include "engine/phases.h"

namespace heapledger::cpython {

inline constexpr long kReadWhole = static_cast<long>(ledger::kPhases);
inline constexpr long kNumberedPhases = kReadWhole + 1;

inline engine::Visit enter_numbered(engine::Engine& e, engine::Scope scope, long number) noexcept {
  if (number != kReadWhole) return engine::enter_phase(e, scope, static_cast<engine::Phase>(number));
  engine::note_held(e, scope);
  return engine::enter_phase(e, scope, engine::Phase::kRead);
}

}  // namespace heapledger::cpython
