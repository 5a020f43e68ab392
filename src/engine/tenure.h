// Tenuring: the survivors of ended requests move to their endpoint's tenured owner, so that their slots come back.
//
//   half the slots hold ended owners -> a sweep begins: those owners become kSweeping
//   each leave_request() takes one bounded step over the block map and re-owns what it meets
//   the maps are through -> swept owners whose live bytes are zero are recycled
//
// A sweeping owner gets no new blocks (owner_of answers with the tenured owner), so one pass finds them all. Frees by
// threads without the GIL meet the exchange: both sides read the owner that the word holds at that moment.
// Under the GIL. Never allocates. A step looks at 256 pools or 2,048 words.
#pragma once

#include "engine/engine.h"

namespace heapledger::engine {

// Take one step if a sweep runs or is due.
void tenure_step(Engine& e) noexcept;

// Sweep everything now (tests, a full slot table).
HL_EXPORT void tenure_all(Engine& e) noexcept;

}  // namespace heapledger::engine
