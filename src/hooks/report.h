// Tells the attached sink what passed, at most once on a thread at a time: what the sink itself causes (a first touch
// of thread-local storage may allocate) is forwarded and not reported.
// Thread-safe, no heap, no locks. Fork-safe.
#pragma once

#include <atomic>

#include "hooks/preload.h"

namespace heapledger::hooks {

// Release in heapledger_preload_attach, acquire here: the sink's own tables are laid before it is seen.
extern std::atomic<const Sink*> g_sink;
extern thread_local bool t_reporting __attribute__((tls_model("initial-exec")));

// The sink if it is to be told now; ends the report when it goes.
class Report {
 public:
  Report() noexcept : sink_(t_reporting ? nullptr : g_sink.load(std::memory_order_acquire)) {
    if (sink_ != nullptr) t_reporting = true;
  }
  ~Report() {
    if (sink_ != nullptr) t_reporting = false;
  }
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;

  explicit operator bool() const noexcept { return sink_ != nullptr; }
  const Sink* operator->() const noexcept { return sink_; }

 private:
  const Sink* sink_;
};

inline void report_allocated(void* block) noexcept {
  if (block == nullptr) return;
  const Report report;
  if (report) report->allocated(block);
}

// True: the block stays where it is for now.
inline bool report_released(void* block) noexcept {
  const Report report;
  return report && report->released(block);
}

}  // namespace heapledger::hooks
