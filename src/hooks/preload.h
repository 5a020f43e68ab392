// The seam between the preload library and whoever keeps the books in the same process (src/cpython).
//
//   service -> malloc, free, ... (preload library) -> the next allocator: libc's, jemalloc's, ...
//                     |
//                     +-> Sink, once somebody attached one: until then the library only forwards
//
// The library knows no owner and no Python: a process that never attaches (a shell, a wrapper, a child that is not a
// supported Python) runs with a pure forwarder. Both sides are built apart and may come from different installations:
// attaching compares kSeamVersion and refuses a stranger.
//
// Thread-safety: the sink's functions are called on any thread, also on threads that Python does not know, never
// nested on one thread. They must not allocate, block, raise or print; they may not change errno.
// Fork: a child keeps the sink. Attached once, never detached: who is done closes its books and answers at once.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapledger::hooks {

inline constexpr std::uint32_t kSeamVersion = 1;

// What the sink says about a block before it is resized. kHeld: nothing may happen to the block now, so it is resized
// by a new block and a release of the old one; `bytes` is then the old one's usable size. All else is the sink's own.
struct Resizing {
  static constexpr std::uint64_t kHeld = std::uint64_t{1} << 16;
  std::uint64_t known;
  std::uint64_t bytes;
};

struct Sink {
  // The block is the caller's from here on.
  void (*allocated)(void* block) noexcept;
  void (*zeroed)(void* block, std::size_t count, std::size_t each) noexcept;
  // Before the block goes back. True: the sink keeps it and calls Interposed::free itself, soon.
  bool (*released)(void* block) noexcept;
  // Around a reallocation. `after` is null where it failed; `bytes` is what was asked for.
  Resizing (*resizing)(void* block) noexcept;
  void (*resized)(Resizing before, void* block, void* after, std::size_t bytes) noexcept;
};

// The next allocator, as the library found it.
struct Interposed {
  void* (*malloc)(std::size_t);
  void (*free)(void*);
  std::size_t (*usable_bytes)(void*);
  const char* provider;   // path of the shared object that `malloc` comes from
  std::uint32_t is_libc;  // 1: the C library's own
};

extern "C" {
// nullptr: another version of this seam, no complete allocator behind the library, or somebody attached before.
using AttachFunction = const Interposed* (*)(std::uint32_t seam_version, const Sink* sink);
inline constexpr const char* kAttachSymbol = "heapledger_preload_attach";
const Interposed* heapledger_preload_attach(std::uint32_t seam_version, const Sink* sink);
// For the operators' library: what its blocks are reported through.
void heapledger_preload_allocated(void* block) noexcept;
bool heapledger_preload_released(void* block) noexcept;
}

}  // namespace heapledger::hooks
