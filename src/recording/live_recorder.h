// A collector on a thread of its own, for a service that records itself: the same draining as under `heapledger run`.
// Thread-safe. Allocates. After fork the child's copy is inert: it has no thread, and every call does nothing.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "recording/recorded_run.h"

namespace heapledger::recording {

class LiveRecorder {
 public:
  // Recovers what earlier runs left, makes run folder and recording, and starts the thread. Throws RecordingError.
  explicit LiveRecorder(const RunOptions& options);
  ~LiveRecorder();
  LiveRecorder(const LiveRecorder&) = delete;
  LiveRecorder& operator=(const LiveRecorder&) = delete;

  const std::string& folder() const noexcept { return run_->folder(); }  // for the ledgers
  // Drains what is there now and reads the books; the recording's path.
  std::string flush();
  // Drains the rest and closes the recording as one plain file. Twice is a no-op.
  void stop() noexcept;
  // Ends it as if it had never been: nothing of the recording stays.
  void abandon() noexcept;

 private:
  bool in_child() const noexcept;
  void loop();
  bool end_thread() noexcept;

  const int owner_pid_;
  std::unique_ptr<RecordedRun> run_;
  std::mutex mutex_;  // run_ is used under it
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace heapledger::recording
