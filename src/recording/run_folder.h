// The folder of one run: its workers' ledgers, notes of those that could not take part, and run.json, which says whose
// run it is so that a later run can recover what a killed one left.
//
//   BASE/                 0700, this user's: --run-dir, else /dev/shm/heapledger-UID, else $TMPDIR/heapledger-UID
//     run-PID-RANDOM/     0700
//       run.json          {"pid", "start_ticks"} of the process that collects, {"recording", "started_unix_ns"} of its
//                         file; locked while that process lives (run_lock.h)
//       *.ledger          one a worker (ledger/layout.h)
//       *.ledgerless      empty: a worker that had no room for a ledger
//       *.refused         {"executable", "python", "reason"}
// Thread-safe as long as two threads do not use one folder. Allocates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "recording/rows.h"
#include "recording/run_lock.h"

namespace heapledger::recording {

// The base folder to use, created when missing. `run_dir` empty: the default places, in order. Throws RecordingError.
std::string run_base(const std::string& run_dir);

// What one worker's ledger takes there.
std::uint64_t ledger_bytes() noexcept;

// A new run folder below `base`. Throws RecordingError.
std::string create_run_folder(const std::string& base);

struct RunInfo {
  std::uint64_t pid = 0;
  std::uint64_t start_ticks = 0;
  std::string recording;             // absolute path; it may have been rotated since
  std::int64_t started_unix_ns = 0;  // of the recording: tells it from others of that name
};

// The run is the caller's for as long as it keeps the lock. Throws RecordingError.
RunLock write_run_info(const std::string& folder, const RunInfo& info);
std::string run_info_path(const std::string& folder);
std::optional<RunInfo> read_run_info(const std::string& folder);

// Run folders of this user below `base`, none when it cannot be read.
std::vector<std::string> run_folders(const std::string& base);

inline std::string file_in(const std::string& folder, const std::string& name) {
  std::string path = folder;
  return path.append("/").append(name);
}

// Names in `folder` that end in `suffix`, sorted.
std::vector<std::string> files_ending(const std::string& folder, const std::string& suffix);

// A *.refused file; nullopt while it is not complete.
std::optional<NoteRow> read_refusal(const std::string& path);

// Removes the folder and the plain files in it. What is not ours to remove stays.
void remove_run_folder(const std::string& folder) noexcept;

}  // namespace heapledger::recording
