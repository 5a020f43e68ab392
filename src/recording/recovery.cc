#include "recording/recovery.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
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

constexpr char kClaimed[] = "-recovering";

// The process that already recovers this folder, by the folder's name: run-PID-recovering.
bool being_recovered(const std::string& folder) {
  const std::string name = folder.substr(folder.rfind('/') + 1);
  return name.ends_with(kClaimed) && process_runs(std::strtoull(name.c_str() + 4, nullptr, 10), 0);
}

bool older_than_starting(const std::string& folder) {
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) return false;
  return static_cast<std::int64_t>(base::unix_ns() / 1'000'000'000) - info.st_mtim.tv_sec > kStartingSeconds;
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

Recovery finish_recording(const std::string& folder, const RunInfo& info) {
  Recovery recovery;
  recovery.recording = info.recording;
  try {
    recovery.recording = find_recording(info);
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
  } catch (const std::exception& error) {
    recovery.failure = error.what();
  }
  return recovery;
}

std::optional<Recovery> recover(const std::string& folder) {
  if (being_recovered(folder)) return std::nullopt;
  const std::optional<RunInfo> info = read_run_info(folder);
  if (!info) {
    if (older_than_starting(folder) && !any_worker_runs(folder)) remove_run_folder(folder);
    return std::nullopt;
  }
  if (process_runs(info->pid, info->start_ticks) || any_worker_runs(folder)) return std::nullopt;
  // Two runs may start at once: the one whose rename succeeds does it.
  const std::string claimed = folder.substr(0, folder.rfind('/') + 1) + "run-" + std::to_string(::getpid()) + kClaimed;
  if (::rename(folder.c_str(), claimed.c_str()) != 0) return std::nullopt;
  Recovery recovery = finish_recording(claimed, *info);
  remove_run_folder(claimed);
  return recovery;
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
