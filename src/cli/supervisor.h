// `heapledger run` as the command's parent: starts it, passes on the signals that processes send, waits, collects.
// One thread, no other threads in the process.
#pragma once

#include <string>
#include <vector>

#include "cli/run_session.h"

namespace heapledger::cli {

// Runs the command to its end. Returns its status as a shell would say it: 128 + n for signal n.
// Throws CommandError when it could not be started; the session is then abandoned.
int supervise(const std::vector<std::string>& command, RunSession& session);

// Collects until every worker has ended, but not much longer: what still runs then is recorded as running.
void wait_for_workers(recording::Collector& collector);

}  // namespace heapledger::cli
