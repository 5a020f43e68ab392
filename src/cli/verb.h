// The verbs of the command line: each lives in a file of its own and adds itself to the application.
//
// A verb declares its flags in add_*, and acts in the callback that CLI11 calls once everything was parsed. It leaves
// its exit status in `status`, which outlives the application. It reports failure by throwing: CommandError,
// recording::RecordingError or any std::exception become one line and an exit status in main.cc, nowhere else.
#pragma once

#include <CLI/CLI.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace heapledger::cli {

inline constexpr int kExitFine = 0;
inline constexpr int kExitGateFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitGateUnjudged = 3;

// Becomes `error: MESSAGE`, then `hint: HINT` when there is one, and the exit status.
class CommandError : public std::runtime_error {
 public:
  explicit CommandError(const std::string& message, std::string hint = {}, int status = kExitUsage)
      : std::runtime_error(message), hint_(std::move(hint)), status_(status) {}
  const std::string& hint() const noexcept { return hint_; }
  int status() const noexcept { return status_; }

 private:
  std::string hint_;
  int status_;
};

// `command` is what followed `--`: it is the command's, no word of it is parsed.
void add_run(CLI::App& app, int& status, std::vector<std::string> command);
void add_requests(CLI::App& app, int& status);
void add_segments(CLI::App& app, int& status);
void add_leaks(CLI::App& app, int& status);
void add_pools(CLI::App& app, int& status);
void add_versions(CLI::App& app, int& status);
void add_payloads(CLI::App& app, int& status);
void add_report(CLI::App& app, int& status);
void add_limits(CLI::App& app, int& status);
void add_doctor(CLI::App& app, int& status);
void add_demo(CLI::App& app, int& status);

// Writes all of `text` to stdout. A reader that went away (EPIPE) is success: the rest is dropped. Other failures
// throw.
void write_stdout(std::string_view text);

}  // namespace heapledger::cli
