// On, frozen, off. Once closed the books never open again in this process; the hooks stay and only forward: the pool
// table answers "no pool" and the word map refuses, so that no test for it lies on the hooked path.
// Under the GIL. Never allocates on the heap.
#pragma once

#include "engine/engine.h"

namespace heapledger::engine {

struct StartOptions {
  const char* run_dir = "";  // "" : static memory only, no file
  const char* python = "";   // version, for the header
  const char* rule = "";     // block map rule, for the header
  unsigned granule_shift = 9;
  // What the preload library forwards to; no size function: native memory is not seen.
  NativeAllocator native{nullptr, nullptr, false};
  unsigned native_granule_shift = 0;
  const char* allocator = "";  // for the header
};

// True once the tables are laid and the books are open (also when they were before). False: reason in e.off_reason.
HL_EXPORT bool start(Engine& e, const StartOptions& options) noexcept;

// The end of the books: audit, last sample, then only forwarding.
HL_EXPORT void freeze(Engine& e) noexcept;

// The same without audit: something is wrong and says why.
HL_EXPORT void close_books(Engine& e, const char* reason) noexcept;

// Native blocks do not reach us after all (the executable has an allocator of its own): none is in the books.
HL_EXPORT void close_native(Engine& e) noexcept;

// Somebody removed our hooks: what is recorded from here on is broken.
HL_EXPORT void mark_displaced(Engine& e) noexcept;

// A small file of /proc, NUL-terminated; no heap, no stdio.
struct FileText {
  char bytes[1024];
};
bool read_small_file(const char* path, FileText& text) noexcept;

}  // namespace heapledger::engine
