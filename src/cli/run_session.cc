#include "cli/run_session.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/closing_words.h"
#include "cli/messages.h"
#include "cli/package.h"
#include "cli/preload.h"

namespace heapledger::cli {
namespace {

// The detached collector of a service that has just ended reads its workers' ledgers and closes the recording.
constexpr std::int64_t kWaitForPredecessorMs = 5000;

recording::RunOptions options_of(const RunFlags& flags) {
  recording::RunOptions options;
  options.run_dir = flags.run_dir;
  options.output = flags.output;
  options.force = flags.force;
  options.max_bytes = flags.max_bytes;
  options.command = flags.command.front();
  options.mode = flags.mode;
  options.wait_ms = kWaitForPredecessorMs;
  options.beside_others = flags.exec;
  return options;
}

void say_recovered(const recording::Recovery& recovery) {
  if (recovery.failure.empty()) {
    say("recovered " + recovery.recording + " (" + std::to_string(recovery.requests) +
        " more requests of a run that was killed)");
  } else {
    say("not recovered: a killed run's " + recovery.recording + ": " + recovery.failure);
  }
}

}  // namespace

RunSession::RunSession(const RunFlags& flags) : flags_(flags), run_(options_of(flags)) {
  if (flags.quiet) return;
  for (const recording::Recovery& recovery : run_.recovered()) say_recovered(recovery);
  if (run_.beside_another()) {
    say("the recording that this run should replace is being written by another run: recording to " + run_.path());
  }
}

Environment RunSession::environment() const {
  Environment additions{{"HEAPLEDGER_RUN_DIR", run_.folder()}};
  if (const std::string autoload = autoload_folder(); !autoload.empty()) {
    const char* theirs = std::getenv("PYTHONPATH");
    additions["PYTHONPATH"] = theirs != nullptr && *theirs != '\0' ? autoload + ":" + theirs : autoload;
  }
  const Preload preload = flags_.no_native ? Preload{} : find_preload(flags_.command);
  if (!preload.entry.empty()) {
    additions["HEAPLEDGER_PRELOAD"] = preload.entry;
    additions["LD_PRELOAD"] = with_preload(preload.entry);
  }
  if (!flags_.ignored_routes.empty()) {
    const nlohmann::json routes = flags_.ignored_routes;
    additions["HEAPLEDGER_IGNORE"] = routes.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  }
  return additions;
}

void RunSession::close() {
  const recording::CollectorSummary summary = run_.close();
  if (!flags_.quiet) say_closing_words(run_.path(), summary);
}

}  // namespace heapledger::cli
