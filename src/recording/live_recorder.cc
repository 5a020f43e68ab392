#include "recording/live_recorder.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>

#include "base/clock.h"

namespace heapledger::recording {
namespace {

constexpr std::chrono::milliseconds kPollInterval{100};

std::unique_ptr<Store> create_store(const std::string& path) {
  Store::Beginning beginning;
  beginning.heapledger_version = HEAPLEDGER_VERSION;
  beginning.command = "heapledger.start()";
  beginning.started_unix_ns = static_cast<std::int64_t>(base::unix_ns());
  return Store::create(path, beginning);
}

}  // namespace

LiveRecorder::LiveRecorder(const std::string& run_folder, const std::string& recording_path)
    : owner_pid_(getpid()), store_(create_store(recording_path)) {
  CollectorOptions options;
  options.run_folder = run_folder;
  collector_ = std::make_unique<Collector>(*store_, options);
  // The service's signals are the service's: one that this thread took would not interrupt what its main thread waits
  // in.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { loop(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

LiveRecorder::~LiveRecorder() {
  if (!in_child()) {
    stop();
    return;
  }
  // The thread is the parent's, and so is the open file: dropping them here would end both for it.
  thread_.detach();
  static_cast<void>(collector_.release());
  static_cast<void>(store_.release());
}

bool LiveRecorder::in_child() const noexcept { return getpid() != owner_pid_; }

void LiveRecorder::loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    collector_->drain_once();
    wake_.wait_for(lock, kPollInterval, [this] { return stopping_; });
  }
}

std::string LiveRecorder::flush() {
  if (in_child()) return {};
  const std::lock_guard lock(mutex_);
  if (!stopping_) collector_->drain_once();
  return store_->path();
}

void LiveRecorder::stop() noexcept {
  if (in_child()) return;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  collector_->finish();
  const CollectorSummary summary = collector_->summary();
  store_->close(static_cast<std::int64_t>(base::unix_ns()), summary.failure.empty());
}

}  // namespace heapledger::recording
