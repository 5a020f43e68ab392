// The user's command: whether it can be started, with which environment, and starting it in place of this process.
// One thread; allocates.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace heapledger::cli {

inline constexpr int kExitNotExecutable = 126;
inline constexpr int kExitNotFound = 127;

using Environment = std::map<std::string, std::string>;  // what is added to ours, or replaced in it

// Throws CommandError with status 127 (not found) or 126 (not executable), so that nothing is touched before.
void check_command(const std::vector<std::string>& command);

// The file that this name runs, by PATH; "" when there is none.
std::string found_command(const std::string& name);

// Replaces this process. Returns the errno of the failure.
int become(const std::vector<std::string>& command, const Environment& additions) noexcept;

[[noreturn]] void throw_not_started(const std::vector<std::string>& command, int error);

}  // namespace heapledger::cli
