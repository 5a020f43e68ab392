#include "hooks/early_arena.h"

#include <atomic>
#include <cstdint>

namespace heapledger::hooks {
namespace {

constexpr std::size_t kArenaBytes = std::size_t{64} * 1024;
constexpr std::size_t kHeaderBytes = 16;

alignas(64) char g_arena[kArenaBytes];
std::atomic<std::size_t> g_used{0};  // relaxed: each caller gets a range of its own, nothing else is published

}  // namespace

void* early_allocate(std::size_t bytes, std::size_t alignment) noexcept {
  if (bytes > kArenaBytes || alignment > kArenaBytes) return nullptr;
  const std::size_t wanted = ((bytes + 15) & ~std::size_t{15}) + kHeaderBytes + alignment;
  const std::size_t at = g_used.fetch_add(wanted, std::memory_order_relaxed);
  if (at + wanted > kArenaBytes) return nullptr;
  const auto start = reinterpret_cast<std::uintptr_t>(g_arena + at) + kHeaderBytes;
  const std::uintptr_t block = (start + alignment - 1) & ~(static_cast<std::uintptr_t>(alignment) - 1);
  reinterpret_cast<std::size_t*>(block)[-1] = bytes;
  return reinterpret_cast<void*>(block);
}

bool is_early(const void* block) noexcept {
  return reinterpret_cast<std::uintptr_t>(block) - reinterpret_cast<std::uintptr_t>(g_arena) < kArenaBytes;
}

std::size_t early_bytes(const void* block) noexcept { return static_cast<const std::size_t*>(block)[-1]; }

}  // namespace heapledger::hooks
