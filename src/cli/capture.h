// Runs a small program and keeps what it says. Bounded in time and size. One thread; allocates.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace heapledger::cli {

struct Captured {
  int status = -1;  // exit status, 128 + n for a signal, 127 when it could not be started
  std::string output;
  std::string errors;
  bool timed_out = false;
};

// stdin is empty. After `limit` the program is killed; of each stream at most 1 MiB is kept.
Captured capture(const std::vector<std::string>& command, std::chrono::milliseconds limit);

}  // namespace heapledger::cli
