// The allocator behind the preload library: found once, by the dynamic linker's order, so that jemalloc, tcmalloc or
// mimalloc may sit there as well as the C library.
//
// Only functions that come from the same shared object are used together: jemalloc has no pvalloc, so the next symbol
// of that name is libc's, and freeing its block through jemalloc is a crash. What the provider lacks is made from what
// it has (interpose.cc).
// Thread-safety: the first call on any thread looks the symbols up; calls that come meanwhile (dlsym itself
// allocates) are served from the early arena. No heap, no locks. Fork-safe: the table never changes once set.
#pragma once

#include <cstddef>

namespace heapledger::hooks {

struct NextAllocator {
  void* (*malloc)(std::size_t);
  void (*free)(void*);
  void* (*calloc)(std::size_t, std::size_t);
  void* (*realloc)(void*, std::size_t);
  int (*posix_memalign)(void**, std::size_t, std::size_t);
  void* (*memalign)(std::size_t, std::size_t);       // nullptr where the provider has none
  void* (*aligned_alloc)(std::size_t, std::size_t);  // nullptr where the provider has none
  std::size_t (*usable_bytes)(void*);                // nullptr: native memory cannot be counted
  const char* provider;
  bool is_libc;
};

// nullptr while the symbols are being looked up.
const NextAllocator* next_allocator() noexcept;

}  // namespace heapledger::hooks
