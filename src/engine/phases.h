// What each phase of a request takes: read, deserialize, handle, serialize, send.
//
//   base      handle, from begin_sending() on send
//   visit     on top of it one of read, deserialize, serialize, from enter_phase() to leave_phase(); who comes while
//   one
//             is on belongs to it, from whatever thread or task: the outermost, the first one wins
//   reading   within a visit of deserialize, read: a form is parsed while it arrives
//
// At each change what was allocated since the last one, the highest level and the time go to the phase that is left.
// So the phases' bytes add up to the request's, and the highest of their peaks is its peak (engine/books.h says how
// exact that is). Nothing is written for a request that nobody marked. Kept in private memory: a killed worker's open
// request has no row. Under the GIL. Never allocates. Fork: the child has no open requests.
#pragma once

#include "engine/scopes.h"

namespace heapledger::engine {

using ledger::Phase;

// A request has begun: nothing of it is marked yet.
void begin_phases(Engine& e, OwnerId owner, std::uint64_t now_ns) noexcept;

// What leave_phase() is to undo.
enum class Visit : std::uint8_t { kNone = 0, kOutermost = 1, kReading = 2 };
HL_EXPORT Visit enter_phase(Engine& e, Scope scope, Phase phase) noexcept;
HL_EXPORT void leave_phase(Engine& e, Scope scope, Visit visit) noexcept;

// The body is asked for whole: the application holds it, in however many pieces it comes.
HL_EXPORT void note_held(Engine& e, Scope scope) noexcept;
bool was_held(const Engine& e, OwnerId owner) noexcept;

// The response is on its way: from here on what is no visit is sending. Twice is a no-op.
HL_EXPORT void begin_sending(Engine& e, Scope scope) noexcept;

// The response is out; the last phase ends. False: nobody marked a phase of it.
bool finish_phases(Engine& e, OwnerId owner, std::uint64_t now_ns) noexcept;

ledger::PhaseFigures phase_figures(const Engine& e, OwnerId owner, Phase phase) noexcept;

// A framework's setting limits request bodies to this many bytes (ledger::kNoBodyLimit: it sets none). The same setting
// of the same endpoint again replaces it. False: no room for it.
HL_EXPORT bool note_body_limit(Engine& e, EndpointId endpoint, std::string_view setting,
                               std::uint64_t limit_bytes) noexcept;

}  // namespace heapledger::engine
