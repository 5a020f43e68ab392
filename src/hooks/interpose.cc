// The malloc family as every library of the service finds it: forward, then report.
//
// The result, errno and every failure are the next allocator's. pvalloc, valloc and reallocarray are made from the
// others: no allocator but libc has all of them, and mixing two allocators' blocks is a crash.
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <cstdint>

#include "hooks/early_arena.h"
#include "hooks/next_allocator.h"
#include "hooks/report.h"

#define HL_INTERPOSE extern "C" __attribute__((visibility("default")))

namespace {

using heapledger::hooks::early_allocate;
using heapledger::hooks::early_bytes;
using heapledger::hooks::is_early;
using heapledger::hooks::next_allocator;
using heapledger::hooks::NextAllocator;
using heapledger::hooks::Report;
using heapledger::hooks::report_allocated;
using heapledger::hooks::report_released;
using heapledger::hooks::Resizing;

constexpr std::size_t kUsualAlignment = 16;

void* early(std::size_t bytes, std::size_t alignment = kUsualAlignment) noexcept {
  void* block = early_allocate(bytes, alignment);
  if (block == nullptr) errno = ENOMEM;
  return block;
}

// An early block moves to the next allocator's memory when it is resized.
void* move_early(const NextAllocator* next, void* block, std::size_t bytes) noexcept {
  void* moved = next == nullptr ? early(bytes) : next->malloc(bytes);
  if (moved == nullptr) return nullptr;
  const std::size_t old_bytes = early_bytes(block);
  memcpy(moved, block, old_bytes < bytes ? old_bytes : bytes);
  if (next != nullptr) report_allocated(moved);
  return moved;
}

bool is_power_of_two(std::size_t value) noexcept { return value != 0 && (value & (value - 1)) == 0; }

void* aligned(const NextAllocator& next, std::size_t alignment, std::size_t bytes) noexcept {
  void* block = nullptr;
  if (next.posix_memalign == nullptr || !is_power_of_two(alignment)) {
    errno = EINVAL;
    return nullptr;
  }
  const int error = next.posix_memalign(&block, alignment < sizeof(void*) ? sizeof(void*) : alignment, bytes);
  if (error == 0) return block;
  errno = error;
  return nullptr;
}

// Somebody is looking at the block: it stays, and goes when he has looked.
void* move_held(const NextAllocator& next, const Report& report, void* block, const Resizing& held,
                std::size_t bytes) noexcept {
  void* after = nullptr;
  if (bytes != 0) {
    after = next.malloc(bytes);
    if (after == nullptr) return nullptr;
    memcpy(after, block, held.bytes < bytes ? held.bytes : bytes);
    report->allocated(after);
  }
  if (!report->released(block)) next.free(block);
  return after;
}

void* reallocate(void* block, std::size_t bytes) noexcept {
  const NextAllocator* next = next_allocator();
  if (is_early(block)) return move_early(next, block, bytes);
  if (next == nullptr) return early(bytes);
  const Report report;
  if (!report) return next->realloc(block, bytes);
  const Resizing before = report->resizing(block);
  if ((before.known & Resizing::kHeld) != 0) return move_held(*next, report, block, before, bytes);
  void* after = next->realloc(block, bytes);
  const int error = errno;
  report->resized(before, block, after, bytes);
  errno = error;
  return after;
}

}  // namespace

HL_INTERPOSE void* malloc(std::size_t bytes) noexcept {
  const NextAllocator* next = next_allocator();
  if (next == nullptr) return early(bytes);
  void* block = next->malloc(bytes);
  report_allocated(block);
  return block;
}

HL_INTERPOSE void free(void* block) noexcept {
  if (block == nullptr || is_early(block)) return;
  const NextAllocator* next = next_allocator();
  if (next == nullptr || report_released(block)) return;
  next->free(block);
}

HL_INTERPOSE void* calloc(std::size_t count, std::size_t each) noexcept {
  const NextAllocator* next = next_allocator();
  if (next == nullptr) {
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(count, each, &bytes)) bytes = SIZE_MAX;
    return early(bytes);
  }
  void* block = next->calloc(count, each);
  if (block == nullptr) return nullptr;
  const Report report;
  if (report) report->zeroed(block, count, each);
  return block;
}

HL_INTERPOSE void* realloc(void* block, std::size_t bytes) noexcept {
  if (block != nullptr) return reallocate(block, bytes);
  const NextAllocator* next = next_allocator();
  if (next == nullptr) return early(bytes);
  void* fresh = next->realloc(nullptr, bytes);
  report_allocated(fresh);
  return fresh;
}

HL_INTERPOSE void* reallocarray(void* block, std::size_t count, std::size_t each) noexcept {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, each, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return realloc(block, bytes);
}

HL_INTERPOSE int posix_memalign(void** result, std::size_t alignment, std::size_t bytes) noexcept {
  const NextAllocator* next = next_allocator();
  if (next == nullptr || next->posix_memalign == nullptr) {
    if (!is_power_of_two(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
    void* block = early_allocate(bytes, alignment < kUsualAlignment ? kUsualAlignment : alignment);
    if (block == nullptr) return ENOMEM;
    *result = block;
    return 0;
  }
  const int error = next->posix_memalign(result, alignment, bytes);
  if (error == 0) report_allocated(*result);
  return error;
}

HL_INTERPOSE void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  const NextAllocator* next = next_allocator();
  if (next == nullptr) return early(bytes, alignment < kUsualAlignment ? kUsualAlignment : alignment);
  void* block = next->memalign != nullptr ? next->memalign(alignment, bytes) : aligned(*next, alignment, bytes);
  report_allocated(block);
  return block;
}

HL_INTERPOSE void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  const NextAllocator* next = next_allocator();
  if (next == nullptr) return early(bytes, alignment < kUsualAlignment ? kUsualAlignment : alignment);
  void* block =
      next->aligned_alloc != nullptr ? next->aligned_alloc(alignment, bytes) : aligned(*next, alignment, bytes);
  report_allocated(block);
  return block;
}

HL_INTERPOSE void* valloc(std::size_t bytes) noexcept {
  return memalign(static_cast<std::size_t>(sysconf(_SC_PAGESIZE)), bytes);
}

HL_INTERPOSE void* pvalloc(std::size_t bytes) noexcept {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  if (bytes > SIZE_MAX - page) {
    errno = ENOMEM;
    return nullptr;
  }
  return memalign(page, (bytes + page - 1) & ~(page - 1));
}
