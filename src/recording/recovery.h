// Finishing what a killed collector left: its run folder still holds the ledgers, its recording lacks the end.
// One process at a time wins a folder (it is renamed first). Never throws; allocates.
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
