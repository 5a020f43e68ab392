// Fork: the child keeps the books it inherited in memory of its own, and opens a ledger of its own at first use.
//
//   parent  ledger = file A (shared)
//   child   atfork handler: ledger = private copy; requests and tenured owners of the parent become inherited ones
//           (their blocks are here in copy, their ends are not); counters of finished work start at zero
//           first request: ledger = file B (shared)
//
// child_after_fork() runs in the child's only thread before Python does; it takes no lock and stores nothing into the
// parent's mapping. When there is no memory for the copy the books are closed: hooks then only forward.
#pragma once

#include "engine/engine.h"

namespace heapledger::engine {

// Register the handler; once.
bool register_fork_handler(Engine& e) noexcept;

HL_EXPORT void child_after_fork(Engine& e) noexcept;

// This process's ledger file, if it has none yet: made in e.run_dir. Failure leaves PID-NS.ledgerless there, where that
// is possible, and is not tried again.
HL_EXPORT void open_own_ledger(Engine& e) noexcept;

}  // namespace heapledger::engine
