// `heapledger run`: flags, and which of the ways to run applies.
#include <signal.h>
#include <sys/stat.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string_view>

#include "cli/command.h"
#include "cli/exec_mode.h"
#include "cli/messages.h"
#include "cli/run_flags.h"
#include "cli/run_session.h"
#include "cli/size_text.h"
#include "cli/supervisor.h"
#include "cli/verb.h"

namespace heapledger::cli {
namespace {

constexpr std::int64_t kSmallestMaxBytes = std::int64_t{4} << 20;

bool disabled() {
  const char* value = std::getenv("HEAPLEDGER_DISABLE");
  return value != nullptr && std::string_view(value) == "1";
}

// An outer `heapledger run` records already; its folder is still there.
bool nested() {
  const char* folder = std::getenv("HEAPLEDGER_RUN_DIR");
  struct stat info {};
  return folder != nullptr && ::stat(folder, &info) == 0 && S_ISDIR(info.st_mode);
}

// A file that may not grow is an error to report, not a signal that ends us. The command gets what we were started
// with.
class FileSizeSignalIgnored {
 public:
  FileSizeSignalIgnored() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGXFSZ, &ignore, &before_);
  }
  ~FileSizeSignalIgnored() { ::sigaction(SIGXFSZ, &before_, nullptr); }
  FileSizeSignalIgnored(const FileSizeSignalIgnored&) = delete;
  FileSizeSignalIgnored& operator=(const FileSizeSignalIgnored&) = delete;

 private:
  struct sigaction before_ {};
};

RunSession begin_session(const RunFlags& flags) {
  const FileSizeSignalIgnored guard;
  return RunSession(flags);
}

void check_flags(RunFlags& flags) {
  if (flags.mode == "sampled") throw CommandError("sampled mode is not in this version");
  if (flags.mode != "exact") throw CommandError("unknown mode: " + flags.mode, "--mode exact");
  try {
    flags.max_bytes = parse_size(flags.max_size);
  } catch (const std::invalid_argument& error) {
    throw CommandError(std::string("--max-size: ") + error.what());
  }
  if (flags.max_bytes < kSmallestMaxBytes) throw CommandError("--max-size: at least 4MiB are needed");
  if (flags.command.empty()) {
    throw CommandError("no command to run", "heapledger run [flags] -- COMMAND...");
  }
}

int run(RunFlags& flags) {
  check_flags(flags);
  check_command(flags.command);
  const bool outer = !disabled() && nested();
  if (outer && !flags.quiet) {
    const std::string file = flags.output.empty() ? "heapledger.db" : flags.output;
    say("recorded by the run around this one: " + file + " is not made");
  }
  if (disabled() || outer) {
    throw_not_started(flags.command, become(flags.command, {}));
  }
  if (flags.exec) run_in_place(flags);
  RunSession session = begin_session(flags);
  return supervise(flags.command, session);
}

void declare(CLI::App& verb, RunFlags& flags) {
  const auto last = CLI::MultiOptionPolicy::TakeLast;
  verb.add_option("-o,--output", flags.output,
                  "the recording's file (default: ./heapledger.db, older ones are rotated)")
      ->type_name("FILE")
      ->multi_option_policy(last);
  verb.add_flag("--force", flags.force, "replace the recording that -o names");
  verb.add_option("--mode", flags.mode, "exact: every block is booked (this version has no other)")
      ->type_name("MODE")
      ->capture_default_str()
      ->multi_option_policy(last);
  verb.add_flag("--no-native", flags.no_native, "Python's memory only: nothing is preloaded into the command");
  verb.add_flag("--exec", flags.exec, "let the command keep this process's pid (PID 1, systemd Type=notify)");
  verb.add_option("--run-dir", flags.run_dir, "folder for the ledgers while running (default: below /dev/shm)")
      ->type_name("DIR")
      ->multi_option_policy(last);
  verb.add_option("--max-size", flags.max_size, "beyond it the oldest requests are folded into time slices")
      ->type_name("SIZE")
      ->capture_default_str()
      ->multi_option_policy(last);
  verb.add_option("--ignore", flags.ignored_routes,
                  "do not record this route template; * for any characters (repeatable)")
      ->type_name("ROUTE")
      ->allow_extra_args(false);
  verb.add_flag("--quiet", flags.quiet, "say nothing, unless the command could not be started");
  verb.footer("-- COMMAND...  is started unchanged; `run` ends with its exit status.");
}

}  // namespace

void add_run(CLI::App& app, int& status, std::vector<std::string> command) {
  CLI::App* verb = app.add_subcommand("run", "record a service: heapledger run [flags] -- COMMAND...");
  const auto flags = std::make_shared<RunFlags>();
  flags->command = std::move(command);
  declare(*verb, *flags);
  verb->callback([flags, &status] { status = run(*flags); });
}

}  // namespace heapledger::cli
