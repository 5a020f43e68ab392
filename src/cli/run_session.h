// One run's recording side: run folder, store and collector, from before the command starts until the closing words.
// One thread. Made in the process that collects and never carried across fork.
#pragma once

#include <string>

#include "cli/command.h"
#include "cli/run_flags.h"
#include "recording/recorded_run.h"

namespace heapledger::cli {

class RunSession {
 public:
  // Recovers predecessors, claims the output and creates the run folder. Throws before anything of the user's changed.
  explicit RunSession(const RunFlags& flags);

  Environment environment() const;  // for the command
  recording::Collector& collector() noexcept { return run_.collector(); }

  void abandon() noexcept { run_.abandon(); }  // the command did not start: nothing of this run stays
  void close();                                // last reading, the recording becomes one plain file, the closing words

 private:
  const RunFlags& flags_;
  recording::RecordedRun run_;
};

}  // namespace heapledger::cli
