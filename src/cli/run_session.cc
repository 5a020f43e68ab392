#include "cli/run_session.h"

#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "cli/closing_words.h"
#include "cli/messages.h"
#include "cli/package.h"
#include "recording/process_table.h"
#include "recording/recovery.h"
#include "recording/rotation.h"
#include "recording/run_folder.h"

namespace heapledger::cli {
namespace {

void recover(const std::string& base, bool quiet) {
  for (const recording::Recovery& recovery : recording::recover_unfinished_runs(base)) {
    if (quiet) continue;
    if (recovery.failure.empty()) {
      say("recovered " + recovery.recording + " (" + std::to_string(recovery.requests) +
          " more requests of a run that was killed)");
    } else {
      say("not recovered: a killed run's " + recovery.recording + ": " + recovery.failure);
    }
  }
}

}  // namespace

RunSession::RunSession(const RunFlags& flags) : flags_(flags) {
  const std::string base = recording::run_base(flags.run_dir);
  recover(base, flags.quiet);
  recording_ = flags.output.empty() ? "heapledger.db" : flags.output;
  folder_ = recording::create_run_folder(base);
  try {
    const auto pid = static_cast<std::uint64_t>(::getpid());
    const auto now = static_cast<std::int64_t>(base::unix_ns());
    recording::write_run_info(folder_, {pid, recording::process_start_ticks(pid).value_or(0),
                                        std::filesystem::absolute(recording_).string(), now});
    if (flags.output.empty()) {
      recording::rotate_recordings(recording_);
    } else {
      recording::claim_output(recording_, flags.force);
    }
    recording::Store::Beginning beginning;
    beginning.heapledger_version = HEAPLEDGER_VERSION;
    beginning.command = flags.command.front();
    beginning.mode = flags.mode;
    beginning.started_unix_ns = now;
    store_ = recording::Store::create(recording_, beginning);
  } catch (...) {
    recording::remove_run_folder(folder_);
    throw;
  }
  recording::CollectorOptions options;
  options.run_folder = folder_;
  options.max_bytes = flags.max_bytes;
  collector_ = std::make_unique<recording::Collector>(*store_, std::move(options));
}

RunSession::~RunSession() {
  if (store_) abandon();
}

Environment RunSession::environment() const {
  Environment additions{{"HEAPLEDGER_RUN_DIR", folder_}};
  if (const std::string autoload = autoload_folder(); !autoload.empty()) {
    const char* theirs = std::getenv("PYTHONPATH");
    additions["PYTHONPATH"] = theirs != nullptr && *theirs != '\0' ? autoload + ":" + theirs : autoload;
  }
  if (!flags_.ignored_routes.empty()) {
    const nlohmann::json routes = flags_.ignored_routes;
    additions["HEAPLEDGER_IGNORE"] = routes.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  }
  return additions;
}

void RunSession::abandon() noexcept {
  collector_.reset();
  store_.reset();
  for (const char* suffix : {"", "-wal", "-shm"}) ::unlink((recording_ + suffix).c_str());
  recording::remove_run_folder(folder_);
}

void RunSession::close() {
  collector_->finish();
  const recording::CollectorSummary summary = collector_->summary();
  collector_.reset();
  store_->close(static_cast<std::int64_t>(base::unix_ns()), summary.failure.empty());
  store_.reset();
  recording::remove_run_folder(folder_);
  if (!flags_.quiet) say_closing_words(recording_, summary);
}

}  // namespace heapledger::cli
