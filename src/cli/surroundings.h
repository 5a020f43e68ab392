// What this machine or container allows: memory limits and the run folder. Read from /proc and /sys; allocates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace heapledger::cli {

struct Surroundings {
  std::string run_folder;          // base folder that `run` would use
  std::string run_folder_problem;  // one line; empty: usable
  std::uint64_t run_folder_free_bytes = 0;
  std::optional<std::uint64_t> address_space_bytes;  // RLIMIT_AS; nullopt: unlimited
  std::optional<int> overcommit;                     // vm.overcommit_memory: 0 heuristic, 1 always, 2 strict
  std::optional<std::uint64_t> container_bytes;      // the smallest cgroup limit above this process
  std::string cgroup;                                // "v2", "v1", or "" when none was found
};

Surroundings look_around(const std::string& run_dir);

}  // namespace heapledger::cli
