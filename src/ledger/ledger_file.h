// The writer's half of a ledger file: make it, reserve every page of it, and map it over static memory.
//
// Every page is reserved before it is mapped (posix_fallocate): a store into an unreserved page of a full /dev/shm
// would be a SIGBUS in the service. The file is built under a name that readers ignore and renamed once it is whole.
// Not thread-safe (the caller holds the GIL); no heap; a failure leaves no file behind and answers with errno.
#pragma once

#include <cstddef>

#include "ledger/layout.h"

namespace heapledger::ledger {

inline constexpr std::size_t kLongestPath = 512;

// Write `ledger` as <folder>/<pid>-<ns>.ledger (mode 0600, O_EXCL, no symlink followed), then map that file shared over
// `ledger` itself: the same addresses, the same contents. 0, or the errno of what failed; `path` gets the name.
int map_over_file(Ledger& ledger, const char* folder, char (&path)[kLongestPath]) noexcept;

// Put private memory with the same contents in the place of a mapped file. In a fork child, before any store.
// False: no memory; `ledger` is still the parent's and must not be stored into.
bool map_over_private(Ledger& ledger) noexcept;

}  // namespace heapledger::ledger
