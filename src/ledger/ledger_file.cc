#include "ledger/ledger_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

namespace heapledger::ledger {
namespace {

// Owner slots above the high water mark are zeros on both sides: no need to copy (and touch) them.
void copy_used(Ledger& to, const Ledger& from) noexcept {
  const std::size_t owners = from.header.owner_high_water.load(std::memory_order_relaxed);
  memcpy(static_cast<void*>(&to.header), &from.header, sizeof(Header));
  memcpy(static_cast<void*>(to.hot), from.hot, owners * sizeof(HotBank));
  memcpy(static_cast<void*>(to.off_gil), from.off_gil, owners * sizeof(OffGilBank));
  memcpy(static_cast<void*>(to.owners), from.owners, owners * sizeof(OwnerRecord));
  memcpy(to.endpoints, from.endpoints, sizeof(from.endpoints));
  memcpy(to.strings, from.strings, from.header.string_bytes.load(std::memory_order_relaxed));
  memcpy(static_cast<void*>(to.peaks), from.peaks, sizeof(from.peaks));
  memcpy(to.pools, from.pools, sizeof(from.pools));
}

// Growing a file beyond RLIMIT_FSIZE does not fail: it raises SIGXFSZ, which ends the process.
bool may_grow_to_size() noexcept {
  rlimit limit{};
  return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= kLedgerBytes;
}

int open_reserved(const char* name) noexcept {
  if (!may_grow_to_size()) return -EFBIG;
  const int file = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return -errno;
  const int failure = posix_fallocate(file, 0, static_cast<off_t>(kLedgerBytes));
  if (failure == 0) return file;
  close(file);
  unlink(name);
  return -failure;
}

Ledger* map_file(int file) noexcept {
  void* address = mmap(nullptr, kLedgerBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  return address == MAP_FAILED ? nullptr : static_cast<Ledger*>(address);
}

// Move a mapping to the ledger's own addresses: afterwards the ledger is that mapping.
bool move_over(Ledger& ledger, Ledger* mapping) noexcept {
  return mremap(mapping, kLedgerBytes, kLedgerBytes, MREMAP_MAYMOVE | MREMAP_FIXED, &ledger) != MAP_FAILED;
}

}  // namespace

int map_over_file(Ledger& ledger, const char* folder, char (&path)[kLongestPath]) noexcept {
  char building[kLongestPath];
  const auto pid = static_cast<long>(getpid());
  const auto now_ns = static_cast<unsigned long long>(base::monotonic_ns());
  const int wanted = snprintf(path, sizeof(path), "%s/%ld-%llu.ledger", folder, pid, now_ns);
  if (wanted < 0 || static_cast<std::size_t>(wanted) >= sizeof(path)) return ENAMETOOLONG;
  snprintf(building, sizeof(building), "%.*s.new", static_cast<int>(sizeof(building)) - 5, path);
  const int file = open_reserved(building);
  if (file < 0) return -file;
  Ledger* mapping = map_file(file);
  int failure = mapping == nullptr ? errno : 0;
  close(file);
  if (mapping != nullptr) {
    copy_used(*mapping, ledger);
    if (rename(building, path) != 0) failure = errno;
    if (failure == 0 && !move_over(ledger, mapping)) failure = errno;
    if (failure != 0) munmap(mapping, kLedgerBytes);
  }
  if (failure != 0) {
    unlink(building);
    unlink(path);
  }
  return failure;
}

bool map_over_private(Ledger& ledger) noexcept {
  void* address = mmap(nullptr, kLedgerBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) return false;
  copy_used(*static_cast<Ledger*>(address), ledger);
  return move_over(ledger, static_cast<Ledger*>(address));
}

}  // namespace heapledger::ledger
