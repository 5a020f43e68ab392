// How do the allocators in force behave? Asked of the allocators themselves: names lie (PYTHONMALLOC, wrappers, debug).
#include <initializer_list>

#include "cpython/alloc_hooks.h"
#include "cpython/compat.h"

#include "engine/size_class.h"

namespace heapledger::cpython {
namespace {

constexpr std::size_t kBlocksPerSize = 3;
constexpr std::size_t kLargeBytes = 1000;

struct Domain {
  void* (*malloc)(std::size_t);
  void (*free)(void*);
};
constexpr Domain kMem{PyMem_Malloc, PyMem_Free};
constexpr Domain kObj{PyObject_Malloc, PyObject_Free};

struct Behaviour {
  bool pools = true;       // every small block lies where a pymalloc pool would put it
  bool aligned_16 = true;  // every block starts at a multiple of 16
};

void look_at(const void* block, std::size_t requested_bytes, Behaviour& seen) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(block);
  const std::size_t offset = address & engine::kPoolMask;
  const std::size_t block_bytes = engine::block_bytes_for(requested_bytes);
  const bool in_pool = offset >= engine::kPoolHeaderBytes && (offset - engine::kPoolHeaderBytes) % block_bytes == 0 &&
                       offset + block_bytes <= engine::kPoolBytes;
  seen.pools = seen.pools && in_pool;
  seen.aligned_16 = seen.aligned_16 && address % 16 == 0;
}

void look_at_domain(const Domain& domain, Behaviour& seen) noexcept {
  void* blocks[kBlocksPerSize];
  for (std::size_t bytes = 1; bytes <= engine::kSmallLimitBytes; ++bytes) {
    for (void*& block : blocks) {
      block = domain.malloc(bytes);
      if (block != nullptr) look_at(block, bytes, seen);
    }
    for (void* block : blocks) domain.free(block);
  }
}

// A RAW allocator that forwards and notes that it was asked: put in place for a moment.
PyMemAllocatorEx g_below;
bool g_asked = false;

void* noting_malloc(void*, std::size_t bytes) {
  g_asked = true;
  return g_below.malloc(g_below.ctx, bytes);
}
void* noting_calloc(void*, std::size_t count, std::size_t each) { return g_below.calloc(g_below.ctx, count, each); }
void* noting_realloc(void*, void* block, std::size_t bytes) { return g_below.realloc(g_below.ctx, block, bytes); }
void noting_free(void*, void* block) { g_below.free(g_below.ctx, block); }

// Do MEM and OBJ pass their large blocks through the RAW domain, where a hook sees them?
bool large_blocks_pass_raw() noexcept {
  PyMem_GetAllocator(PYMEM_DOMAIN_RAW, &g_below);
  PyMemAllocatorEx noting{nullptr, noting_malloc, noting_calloc, noting_realloc, noting_free};
  PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &noting);
  bool both = true;
  for (const Domain& domain : {kMem, kObj}) {
    g_asked = false;
    domain.free(domain.malloc(kLargeBytes));
    both = both && g_asked;
  }
  PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &g_below);
  return both;
}

}  // namespace

RuleFound find_rule() noexcept {
  Behaviour seen;
  look_at_domain(kMem, seen);
  look_at_domain(kObj, seen);
  if (seen.pools && large_blocks_pass_raw()) return {BlockRule::kPools, 9, "pymalloc pools"};
  if (seen.aligned_16) return {BlockRule::kWhole, 4, "16-byte granules"};
  return {BlockRule::kWhole, 3, "8-byte granules"};
}

}  // namespace heapledger::cpython
