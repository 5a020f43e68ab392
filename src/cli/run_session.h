// One run's recording side: run folder, store and collector, from before the command starts until the closing words.
// One thread. Made in the process that collects and never carried across fork.
#pragma once

#include <memory>
#include <string>

#include "cli/command.h"
#include "cli/run_flags.h"
#include "recording/collector.h"
#include "recording/store.h"

namespace heapledger::cli {

class RunSession {
 public:
  // Recovers predecessors, claims the output and creates the run folder. Throws before anything of the user's changed.
  explicit RunSession(const RunFlags& flags);
  ~RunSession();
  RunSession(const RunSession&) = delete;
  RunSession& operator=(const RunSession&) = delete;

  Environment environment() const;  // for the command
  recording::Collector& collector() noexcept { return *collector_; }

  void abandon() noexcept;  // the command did not start: nothing of this run stays
  void close();             // last reading, the recording becomes one plain file, the closing words

 private:
  const RunFlags& flags_;
  std::string recording_;
  std::string folder_;
  std::unique_ptr<recording::Store> store_;
  std::unique_ptr<recording::Collector> collector_;
};

}  // namespace heapledger::cli
