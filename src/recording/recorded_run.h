// One run's recording side, the same for `heapledger run` and for a service that records itself: what earlier runs left
// is recovered, the output claimed, the run folder made; then its collector collects until the run is closed.
// One thread at a time. Allocates. Not to be carried across fork: a forked child leaks its copy.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "recording/collector.h"
#include "recording/recovery.h"
#include "recording/run_lock.h"
#include "recording/store.h"

namespace heapledger::recording {

struct RunOptions {
  std::string run_dir;  // "": the default places (run_folder.h)
  std::string output;   // "": heapledger.db in the current folder, older ones are rotated
  bool force = false;   // replace the recording that `output` names
  bool rotate = false;  // or keep it, as the default's are kept
  // Where others write the output: wait so long for them to finish, then refuse, or take heapledger-2.db and so on
  // (only where the output gives way: by default, forced, rotated).
  std::int64_t wait_ms = 0;
  bool beside_others = false;
  bool absolute_path = false;  // path() stays true when the process changes its folder
  std::int64_t max_bytes = std::int64_t{1} << 30;
  std::string command;
  std::string mode = "exact";
};

class RecordedRun {
 public:
  // Throws RecordingError before anything of the user's changed.
  explicit RecordedRun(const RunOptions& options);
  ~RecordedRun();  // abandons a run that was not closed
  RecordedRun(const RecordedRun&) = delete;
  RecordedRun& operator=(const RecordedRun&) = delete;

  const std::vector<Recovery>& recovered() const noexcept { return recovered_; }
  const std::string& folder() const noexcept { return folder_; }    // for the ledgers
  const std::string& path() const noexcept { return path_; }        // the recording
  bool beside_another() const noexcept { return beside_another_; }  // others write the one that was asked for
  Collector& collector() noexcept { return *collector_; }

  void abandon() noexcept;   // nothing of this run stays
  CollectorSummary close();  // the last reading; the recording becomes one plain file

 private:
  void open(const RunOptions& options);

  std::vector<Recovery> recovered_;
  std::string folder_;
  std::string path_;
  bool beside_another_ = false;
  RunLock lock_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Collector> collector_;
};

}  // namespace heapledger::recording
