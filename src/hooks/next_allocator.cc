#include "hooks/next_allocator.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include <atomic>

extern "C" const char* gnu_get_libc_version();

namespace heapledger::hooks {
namespace {

enum class Search : int { kNotBegun, kRunning, kDone };

std::atomic<Search> g_search{Search::kNotBegun};
NextAllocator g_next;  // complete before g_search says kDone: release there, acquire in next_allocator()
char g_provider[256];

const void* object_of(const void* symbol) noexcept {
  Dl_info info{};
  return symbol != nullptr && dladdr(symbol, &info) != 0 ? info.dli_fbase : nullptr;
}

// The next function of this name if it is the provider's own.
template <typename Function>
Function find(const char* name, const void* provider) noexcept {
  void* symbol = dlsym(RTLD_NEXT, name);
  if (symbol == nullptr || (provider != nullptr && object_of(symbol) != provider)) return nullptr;
  return reinterpret_cast<Function>(symbol);
}

void name_provider(const void* symbol) noexcept {
  Dl_info info{};
  if (dladdr(symbol, &info) == 0 || info.dli_fname == nullptr) return;
  strncpy(g_provider, info.dli_fname, sizeof(g_provider) - 1);
}

void look_up() noexcept {
  NextAllocator& next = g_next;
  // These four are looked up as the service's own calls would be: whatever they are, they worked together without us.
  next.malloc = find<decltype(next.malloc)>("malloc", nullptr);
  next.free = find<decltype(next.free)>("free", nullptr);
  next.calloc = find<decltype(next.calloc)>("calloc", nullptr);
  next.realloc = find<decltype(next.realloc)>("realloc", nullptr);
  const void* symbol = reinterpret_cast<const void*>(next.malloc);
  const void* provider = object_of(symbol);
  next.posix_memalign = find<decltype(next.posix_memalign)>("posix_memalign", provider);
  next.memalign = find<decltype(next.memalign)>("memalign", provider);
  next.aligned_alloc = find<decltype(next.aligned_alloc)>("aligned_alloc", provider);
  next.usable_bytes = find<decltype(next.usable_bytes)>("malloc_usable_size", provider);
  next.is_libc = provider != nullptr && provider == object_of(reinterpret_cast<const void*>(&gnu_get_libc_version));
  name_provider(symbol);
  next.provider = g_provider;
}

}  // namespace

const NextAllocator* next_allocator() noexcept {
  if (__builtin_expect(static_cast<int>(g_search.load(std::memory_order_acquire) == Search::kDone), 1) != 0) {
    return &g_next;
  }
  Search begun = Search::kNotBegun;
  if (!g_search.compare_exchange_strong(begun, Search::kRunning, std::memory_order_acquire)) {
    return begun == Search::kDone ? &g_next : nullptr;
  }
  const int error = errno;
  look_up();
  errno = error;
  g_search.store(Search::kDone, std::memory_order_release);
  return &g_next;
}

}  // namespace heapledger::hooks
