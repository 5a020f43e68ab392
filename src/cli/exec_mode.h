// `heapledger run --exec`: the command takes this process (its pid, its parent, its descriptors); the collector is a
// side process that belongs to nobody and ends after it.
#pragma once

#include "cli/run_flags.h"

namespace heapledger::cli {

// Does not return unless it throws: RecordingError when the recording cannot begin, CommandError when the command
// cannot.
void run_in_place(const RunFlags& flags);

}  // namespace heapledger::cli
