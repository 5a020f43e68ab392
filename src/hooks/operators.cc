// operator new and delete, for an allocator that exports its own (jemalloc, tcmalloc, mimalloc): there they do not
// pass through malloc. A library of its own, preloaded only where such an allocator is found: behind libstdc++'s
// operators, which call malloc, it would have nothing to add.
//
// Each operator calls the next one and reports what it returned; what the next one throws passes through. Where it
// called the interposed malloc after all, the block is reported twice: the books keep one entry an address.
// Thread-safe; no heap, no locks, nothing of libstdc++.
#include <dlfcn.h>

#include <atomic>
#include <cstddef>
#include <new>

#include "hooks/preload.h"

namespace {

using heapledger::hooks::heapledger_preload_allocated;
using heapledger::hooks::heapledger_preload_released;

// The next operator of this name, found at its first call. Relaxed: every thread finds the same address.
template <typename Function>
class Next {
 public:
  constexpr explicit Next(const char* name) noexcept : name_(name), known_(nullptr) {}
  Function get() noexcept {
    Function function = known_.load(std::memory_order_relaxed);
    if (function != nullptr) return function;
    function = reinterpret_cast<Function>(dlsym(RTLD_NEXT, name_));
    if (function == nullptr) __builtin_trap();  // preloaded only where all of them exist
    known_.store(function, std::memory_order_relaxed);
    return function;
  }

 private:
  const char* name_;
  std::atomic<Function> known_;
};

void* reported(void* block) {
  heapledger_preload_allocated(block);
  return block;
}

}  // namespace

#define HL_EXPORTED __attribute__((visibility("default")))

// A declaration and a list of types cannot stand in parentheses. NOLINTBEGIN(bugprone-macro-parentheses)
#define HL_NEW(symbol, declaration, types, ...)        \
  HL_EXPORTED void* declaration {                      \
    static constinit Next<void*(*)types> next(symbol); \
    return reported(next.get()(__VA_ARGS__));          \
  }
#define HL_DELETE(symbol, declaration, types, ...)                    \
  HL_EXPORTED void declaration {                                      \
    static constinit Next<void(*) types> next(symbol);                \
    if (!heapledger_preload_released(block)) next.get()(__VA_ARGS__); \
  }
// NOLINTEND(bugprone-macro-parentheses)

using Align = std::align_val_t;
using NoThrow = const std::nothrow_t&;
using Size = std::size_t;

HL_NEW("_Znwm", operator new(Size bytes), (Size), bytes)
HL_NEW("_Znam", operator new[](Size bytes), (Size), bytes)
HL_NEW("_ZnwmRKSt9nothrow_t", operator new(Size bytes, NoThrow tag) noexcept, (Size, NoThrow), bytes, tag)
HL_NEW("_ZnamRKSt9nothrow_t", operator new[](Size bytes, NoThrow tag) noexcept, (Size, NoThrow), bytes, tag)
HL_NEW("_ZnwmSt11align_val_t", operator new(Size bytes, Align to), (Size, Align), bytes, to)
HL_NEW("_ZnamSt11align_val_t", operator new[](Size bytes, Align to), (Size, Align), bytes, to)
HL_NEW("_ZnwmSt11align_val_tRKSt9nothrow_t", operator new(Size bytes, Align to, NoThrow tag) noexcept,
       (Size, Align, NoThrow), bytes, to, tag)
HL_NEW("_ZnamSt11align_val_tRKSt9nothrow_t", operator new[](Size bytes, Align to, NoThrow tag) noexcept,
       (Size, Align, NoThrow), bytes, to, tag)

HL_DELETE("_ZdlPv", operator delete(void* block) noexcept, (void*), block)
HL_DELETE("_ZdaPv", operator delete[](void* block) noexcept, (void*), block)
HL_DELETE("_ZdlPvm", operator delete(void* block, Size bytes) noexcept, (void*, Size), block, bytes)
HL_DELETE("_ZdaPvm", operator delete[](void* block, Size bytes) noexcept, (void*, Size), block, bytes)
HL_DELETE("_ZdlPvRKSt9nothrow_t", operator delete(void* block, NoThrow tag) noexcept, (void*, NoThrow), block, tag)
HL_DELETE("_ZdaPvRKSt9nothrow_t", operator delete[](void* block, NoThrow tag) noexcept, (void*, NoThrow), block, tag)
HL_DELETE("_ZdlPvSt11align_val_t", operator delete(void* block, Align to) noexcept, (void*, Align), block, to)
HL_DELETE("_ZdaPvSt11align_val_t", operator delete[](void* block, Align to) noexcept, (void*, Align), block, to)
HL_DELETE("_ZdlPvmSt11align_val_t", operator delete(void* block, Size bytes, Align to) noexcept, (void*, Size, Align),
          block, bytes, to)
HL_DELETE("_ZdaPvmSt11align_val_t", operator delete[](void* block, Size bytes, Align to) noexcept, (void*, Size, Align),
          block, bytes, to)
HL_DELETE("_ZdlPvSt11align_val_tRKSt9nothrow_t", operator delete(void* block, Align to, NoThrow tag) noexcept,
          (void*, Align, NoThrow), block, to, tag)
HL_DELETE("_ZdaPvSt11align_val_tRKSt9nothrow_t", operator delete[](void* block, Align to, NoThrow tag) noexcept,
          (void*, Align, NoThrow), block, to, tag)
