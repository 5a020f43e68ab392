// Finishing what a killed collector left: its run folder still holds the ledgers, its recording lacks the end.
// A run whose collector lives is never touched, nor is one with a worker that still runs. One process at a time has a
// run's lock (run_lock.h). A failure that may pass (a full disk) leaves the run for a later attempt. Never throws;
// allocates.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace heapledger::recording {

struct Recovery {
  std::string recording;
  std::uint64_t requests = 0;  // rows that were not in the recording yet
  std::string failure;         // one line; empty: recovered
};

// Every run folder below `base` whose collector is gone and whose workers have all ended.
std::vector<Recovery> recover_unfinished_runs(const std::string& base) noexcept;

}  // namespace heapledger::recording
