// What /proc says about a process. Thread-safe, no state; allocates little.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace heapledger::recording {

// Field 22 of /proc/PID/stat: together with the pid it names one process for as long as the machine is up.
std::optional<std::uint64_t> process_start_ticks(std::uint64_t pid);

// Still running (a zombie is not), and the one that started then. Ticks of 0 are not compared.
bool process_runs(std::uint64_t pid, std::uint64_t start_ticks);

// What wait() will say to the parent of a process that ended and that its parent has not asked about yet. nullopt: it
// is none such, or ended with status 0, which is also what those see who may not know.
std::optional<int> zombie_wait_status(std::uint64_t pid, std::uint64_t start_ticks);

std::optional<std::uint64_t> resident_bytes(std::uint64_t pid);

// Which processes this one can name by pid: "pid:[4026531836]", the same for all that can. Empty: not known.
std::string pid_namespace();

}  // namespace heapledger::recording
