#include "recording/live_recorder.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>

namespace heapledger::recording {
namespace {

constexpr std::chrono::milliseconds kPollInterval{100};

class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

LiveRecorder::LiveRecorder(const RunOptions& options)
    : owner_pid_(getpid()), run_(std::make_unique<RecordedRun>(options)) {
  // The service's signals are the service's: one that this thread took would not interrupt what its main thread waits
  // in.
  const AllSignalsBlocked guard;
  thread_ = std::thread([this] { loop(); });
}

LiveRecorder::~LiveRecorder() {
  if (!in_child()) {
    stop();
    return;
  }
  // The thread is the parent's, and so is the open file: dropping them here would end both for it.
  thread_.detach();
  static_cast<void>(run_.release());
}

bool LiveRecorder::in_child() const noexcept { return getpid() != owner_pid_; }

void LiveRecorder::loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    run_->collector().drain_once();
    wake_.wait_for(lock, kPollInterval, [this] { return stopping_; });
  }
}

std::string LiveRecorder::flush() {
  if (in_child()) return {};
  const std::lock_guard lock(mutex_);
  if (!stopping_) run_->collector().drain_and_read_books();
  return run_->path();
}

bool LiveRecorder::end_thread() noexcept {
  if (in_child()) return false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  return true;
}

void LiveRecorder::stop() noexcept {
  if (!end_thread()) return;
  try {
    run_->close();
  } catch (...) {  // what the ledgers still hold stays for the next run
  }
}

void LiveRecorder::abandon() noexcept {
  if (end_thread()) run_->abandon();
}

}  // namespace heapledger::recording
