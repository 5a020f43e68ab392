// Phases by the numbers that Python knows them by: the engine's, and those in which a body is asked for whole. GIL
// held. Allocates nothing.
#pragma once

#include "engine/phases.h"

namespace heapledger::cpython {

inline constexpr long kReadWhole = static_cast<long>(ledger::kPhases);
inline constexpr long kDeserializeWhole = kReadWhole + 1;
inline constexpr long kNumberedPhases = kDeserializeWhole + 1;

inline engine::Visit enter_numbered(engine::Engine& e, engine::Scope scope, long number) noexcept {
  if (number < kReadWhole) return engine::enter_phase(e, scope, static_cast<engine::Phase>(number));
  engine::note_held(e, scope);
  return engine::enter_phase(e, scope, number == kReadWhole ? engine::Phase::kRead : engine::Phase::kDeserialize);
}

}  // namespace heapledger::cpython
