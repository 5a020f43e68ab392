#include "recording/recovery.h"

#include <sys/stat.h>

#include <exception>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "ledger/ledger_view.h"
#include "recording/collector.h"
#include "recording/process_table.h"
#include "recording/recording.h"
#include "recording/rotation.h"
#include "recording/run_folder.h"
#include "recording/store.h"

namespace heapledger::recording {
namespace {

// A folder without a readable run.json is left alone this long: its run may just be starting.
constexpr std::int64_t kStartingSeconds = 60;
// How long after its start a run that could not be finished (the disk is full) is tried again.
constexpr std::int64_t kTriedSeconds = std::int64_t{24} * 60 * 60;

bool any_worker_runs(const std::string& folder) {
  for (const std::string& name : files_ending(folder, ".ledger")) {
    std::string error;
    const auto view = ledger::LedgerView::open(file_in(folder, name), error);
    if (!view) continue;
    const ledger::Counters counters = view->counters();
    if (process_runs(counters.pid, counters.process_start_ticks)) return true;
  }
  return false;
}

bool older_than(const std::string& path, std::int64_t seconds) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return false;
  return static_cast<std::int64_t>(base::unix_ns() / 1'000'000'000) - info.st_mtim.tv_sec > seconds;
}

bool is_recording_of(const RunInfo& info, const std::string& path) {
  try {
    return Recording(path).read_meta().started_unix_ns == info.started_unix_ns;
  } catch (const RecordingError&) {
    return false;
  }
}

// Where the run's recording is now: while its workers outlived their supervisor, later runs may have rotated it.
std::string find_recording(const RunInfo& info) {
  for (int number = 0; number <= kKeptRecordings; ++number) {
    std::string path = number == 0 ? info.recording : rotated_name(info.recording, number);
    if (is_recording_of(info, path)) return path;
  }
  throw RecordingError("it is gone or damaged");
}

void finish_recording(const std::string& folder, Recovery& recovery) {
  const std::unique_ptr<Store> store = Store::reopen(recovery.recording);
  CollectorOptions options;
  options.run_folder = folder;
  options.max_bytes = 0;
  options.resume = true;
  Collector collector(*store, options);
  collector.finish();
  const CollectorSummary summary = collector.summary();
  recovery.requests = summary.requests;
  recovery.failure = summary.failure;
  store->close(static_cast<std::int64_t>(base::unix_ns()), false);
}

Recovery recover_run(const std::string& folder, const RunInfo& info) {
  Recovery recovery;
  recovery.recording = info.recording;
  bool found = false;
  try {
    recovery.recording = find_recording(info);
    found = true;
    finish_recording(folder, recovery);
  } catch (const std::exception& error) {
    recovery.failure = error.what();
  }
  const bool again = found && !recovery.failure.empty() && !older_than(run_info_path(folder), kTriedSeconds);
  if (!again) remove_run_folder(folder);
  return recovery;
}

std::optional<Recovery> recover(const std::string& folder) {
  RunLock lock;
  const RunLock::Found found = lock.take(run_info_path(folder));
  if (found == RunLock::Found::kHeldByAnother) return std::nullopt;
  const std::optional<RunInfo> info =
      found == RunLock::Found::kTaken ? read_run_info(folder) : std::optional<RunInfo>();
  if (!info) {
    if (older_than(folder, kStartingSeconds) && !any_worker_runs(folder)) remove_run_folder(folder);
    return std::nullopt;
  }
  // Where a file system cannot lock, the pids are all there is.
  if (process_runs(info->pid, info->start_ticks) || any_worker_runs(folder)) return std::nullopt;
  return recover_run(folder, *info);
}

}  // namespace

std::vector<Recovery> recover_unfinished_runs(const std::string& base) noexcept {
  std::vector<Recovery> recoveries;
  try {
    for (const std::string& folder : run_folders(base)) {
      if (std::optional<Recovery> recovery = recover(folder)) recoveries.push_back(std::move(*recovery));
    }
  } catch (const std::exception&) {  // what is left stays for the next run
  }
  return recoveries;
}

}  // namespace heapledger::recording
