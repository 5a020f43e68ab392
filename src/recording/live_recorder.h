// A collector on a thread of its own, for a service that records itself: the same draining as under `heapledger run`.
// Thread-safe. Allocates. After fork the child's copy is inert: it has no thread, and every call does nothing.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "recording/collector.h"
#include "recording/store.h"

namespace heapledger::recording {

class LiveRecorder {
 public:
  // Creates the recording and starts the thread; throws RecordingError when the recording cannot be made.
  LiveRecorder(const std::string& run_folder, const std::string& recording_path);
  ~LiveRecorder();
  LiveRecorder(const LiveRecorder&) = delete;
  LiveRecorder& operator=(const LiveRecorder&) = delete;

  // Drains what is there now; the recording's path.
  std::string flush();
  // Drains the rest and closes the recording as one plain file. Twice is a no-op.
  void stop() noexcept;

 private:
  bool in_child() const noexcept;
  void loop();

  const int owner_pid_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Collector> collector_;
  std::mutex mutex_;  // collector_ and store_ are used under it
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace heapledger::recording
