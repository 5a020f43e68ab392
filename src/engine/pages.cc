#include "engine/pages.h"

#include <sys/mman.h>

#include <cstdint>

namespace heapledger::engine {
namespace {

constexpr std::size_t kPage = 4096;

void* map_anonymous(std::size_t bytes, int protection) noexcept {
  void* address = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) return nullptr;
  keep_pages_small(address, bytes);
  // Of no use in a core dump. The two together are how these pages are told from the service's in /proc/PID/smaps.
  madvise(address, bytes, MADV_DONTDUMP);
  return address;
}

}  // namespace

void* map_pages(std::size_t bytes) noexcept { return map_anonymous(bytes, PROT_READ | PROT_WRITE); }

void* map_zero_pages(std::size_t bytes) noexcept { return map_anonymous(bytes, PROT_READ); }

void keep_pages_small(void* address, std::size_t bytes) noexcept { madvise(address, bytes, MADV_NOHUGEPAGE); }

void drop_pages(void* address, std::size_t bytes) noexcept { madvise(address, bytes, MADV_DONTNEED); }

std::size_t resident_bytes_of(const void* address, std::size_t bytes) noexcept {
  constexpr std::size_t kStepPages = 4096;
  unsigned char present[kStepPages];
  std::size_t resident_pages = 0;
  auto* cursor = static_cast<char*>(const_cast<void*>(address));
  const std::size_t pages = (bytes + kPage - 1) / kPage;
  for (std::size_t done = 0; done < pages;) {
    const std::size_t step = pages - done < kStepPages ? pages - done : kStepPages;
    if (mincore(cursor + done * kPage, step * kPage, present) != 0) break;
    for (std::size_t i = 0; i < step; ++i) resident_pages += present[i] & 1U;
    done += step;
  }
  return resident_pages * kPage;
}

}  // namespace heapledger::engine
