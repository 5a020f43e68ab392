#include "engine/measure.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>

#include "base/clock.h"
#include "engine/books.h"
#include "engine/pages.h"
#include "engine/switch.h"

namespace heapledger::engine {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr std::uint64_t kShortestPauseNs = 1'000'000'000;
constexpr std::uint64_t kPausePerCost = 1000;
constexpr std::uint64_t kPageBytes = 4096;

std::uint64_t resident_set_bytes() noexcept {
  FileText text;
  if (!read_small_file("/proc/self/statm", text)) return 0;
  const char* second = strchr(text.bytes, ' ');
  return second == nullptr ? 0 : strtoull(second + 1, nullptr, 10) * kPageBytes;
}

std::uint64_t live_of_all(Engine& e) noexcept {
  std::int64_t live = 0;
  const std::uint32_t end = e.ledger.header.owner_high_water.load(kRelaxed);
  for (std::uint32_t id = 1; id < end; ++id) live += live_bytes(e, OwnerId{static_cast<std::uint16_t>(id)});
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, live));
}

std::uint64_t native_live_of_all(Engine& e) noexcept {
  std::int64_t live = 0;
  const std::uint32_t end = e.ledger.header.owner_high_water.load(kRelaxed);
  for (std::uint32_t id = 1; id < end; ++id) live += e.ledger.off_gil[id].native_live_bytes.load(kRelaxed);
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, live));
}

// Pages of the native map that a burst left behind. Only when it covers far more than what lives.
void drop_empty_map_pages(Engine& e) noexcept {
  constexpr std::uint64_t kPagesAtOnce = 2048;  // some two milliseconds where all are empty, once a sample
  constexpr std::uint64_t kEntriesPerPage = 2048;
  constexpr std::uint64_t kSlackPages = 64;
  const std::uint64_t covered_bytes = e.natives.touched_pages() * (kEntriesPerPage << e.natives.granule_shift());
  const bool mostly_empty = covered_bytes / 2 > e.ledger.sample.native_live_bytes;
  if (e.natives.touched_pages() < kSlackPages || !mostly_empty) return;
  if (e.drop_cursor == NativeMap::kEnd) e.drop_cursor = 0;
  e.drop_cursor = e.natives.drop_empty_pages(e.drop_cursor, kPagesAtOnce);
}

// Space in pools we know that no block of ours fills (blocks from before our start count as free: an upper bound),
// arenas' pools never cut, and what glibc keeps free.
std::uint64_t allocator_retained_bytes(Engine& e) noexcept {
  std::uint64_t used_bytes = 0;
  e.pools.for_each(
      [](void* context, PoolRecord& pool) {
        std::size_t used = 0;
        for (std::size_t i = 0, n = pool.length(); i < n; ++i) used += pool.owners[i] != 0 ? 1 : 0;
        *static_cast<std::uint64_t*>(context) += used * pool.block_bytes;
      },
      &used_bytes);
  const std::uint64_t pool_bytes = e.pools.pool_count() * kPoolBytes;
  const std::uint64_t held = std::max(pool_bytes, e.arena_bytes);
  const struct mallinfo2 heap = mallinfo2();
  return held - std::min(held, used_bytes) + heap.fordblks;
}

}  // namespace

// Of a mapped ledger file every page is resident somewhere; what counts here is what this process
// has touched of it.
std::uint64_t own_bytes(Engine& e) noexcept {
  const ledger::Header& header = e.ledger.header;
  const std::uint64_t owners = header.owner_high_water.load(kRelaxed);
  const std::uint64_t rows = std::min<std::uint64_t>(header.ring_head.load(kRelaxed), ledger::kRingRecords);
  const std::uint64_t touched = sizeof(ledger::Header) + sizeof(ledger::ProcessSample) + sizeof(e.ledger.peaks) +
                                sizeof(e.ledger.endpoints) + header.string_bytes.load(kRelaxed) +
                                owners * (sizeof(HotBank) + sizeof(ledger::OffGilBank) + sizeof(OwnerRecord)) +
                                rows * sizeof(ledger::RingRecord);
  constexpr std::size_t kPrivateBytes = sizeof(Engine) - sizeof(ledger::Ledger);
  return touched + resident_bytes_of(hl_engine_storage + sizeof(ledger::Ledger), kPrivateBytes) +
         e.pools.resident_bytes() + e.words.resident_bytes() + e.natives.resident_bytes();
}

void take_sample(Engine& e, std::uint64_t own) noexcept {
  ledger::ProcessSample& sample = e.ledger.sample;
  const std::uint64_t version = sample.version.load(kRelaxed);
  sample.version.store(version + 1, kRelaxed);
  std::atomic_thread_fence(std::memory_order_release);  // odd before the fields; acquire in LedgerView
  sample.at_unix_ns = base::unix_ns();
  sample.rss_bytes = resident_set_bytes();
  sample.live_bytes = live_of_all(e);
  sample.allocator_retained_bytes = allocator_retained_bytes(e);
  sample.heapledger_bytes = own;
  sample.arena_bytes = e.arena_bytes;
  sample.native_live_bytes = native_live_of_all(e);
  sample.version.store(version + 2, std::memory_order_release);
}

void sample_if_due(Engine& e) noexcept {
  const std::uint64_t now_ns = base::monotonic_ns();
  if (now_ns < e.next_sample_ns) return;
  take_sample(e, own_bytes(e));
  const std::uint64_t cost_ns = base::monotonic_ns() - now_ns;
  e.next_sample_ns = now_ns + std::max(kShortestPauseNs, cost_ns * kPausePerCost);
  drop_empty_map_pages(e);
}

}  // namespace heapledger::engine
