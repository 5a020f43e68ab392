#include "hooks/next_allocator.h"
#include "hooks/report.h"

namespace heapledger::hooks {

std::atomic<const Sink*> g_sink{nullptr};
thread_local bool t_reporting = false;

extern "C" __attribute__((visibility("default"))) const Interposed* heapledger_preload_attach(
    std::uint32_t seam_version, const Sink* sink) {
  static Interposed offered;
  const NextAllocator* next = next_allocator();
  if (seam_version != kSeamVersion || next == nullptr || next->usable_bytes == nullptr) return nullptr;
  offered = {next->malloc, next->free, next->usable_bytes, next->provider, next->is_libc ? 1U : 0U};
  const Sink* nobody = nullptr;
  const bool first = g_sink.compare_exchange_strong(nobody, sink, std::memory_order_release, std::memory_order_relaxed);
  return first || nobody == sink ? &offered : nullptr;
}

extern "C" __attribute__((visibility("default"))) void heapledger_preload_allocated(void* block) noexcept {
  report_allocated(block);
}

extern "C" __attribute__((visibility("default"))) bool heapledger_preload_released(void* block) noexcept {
  return block != nullptr && report_released(block);
}

}  // namespace heapledger::hooks
