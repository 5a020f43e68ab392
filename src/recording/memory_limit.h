// How much memory a process may take: the least limit of its memory cgroup and of those above it, or all of the host's.
//
// Reads /proc/PID/cgroup, the cgroup file systems and /proc/meminfo; nothing is changed. A cgroup that cannot be read
// counts as one without a limit. Inside a container the path that the kernel names may lie outside of what is mounted:
// then the mount's root is the process's own cgroup. Of a process that is gone the reader's own cgroup is told, which
// it was started from. Thread-safe; allocates; fork-safe. Never throws for what it reads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace heapledger::recording {

struct MemoryLimit {
  std::int64_t bytes = 0;
  std::string source;  // "cgroup v2", "cgroup v1", "host"
};

// `root` stands before /proc and /sys. Nothing: not even the host's memory is known.
std::optional<MemoryLimit> memory_limit_of(std::uint64_t pid, const std::string& root = {});

}  // namespace heapledger::recording
