#include "engine/audit.h"

#include <sys/mman.h>

#include "engine/native_books.h"
#include "engine/pages.h"
#include "engine/survivors.h"

namespace heapledger::engine {
namespace {

struct Sums {
  Engine* engine;
  std::uint64_t bytes[ledger::kOwnerSlots];
  std::uint64_t native_bytes[ledger::kOwnerSlots];
  std::uint64_t blocks;
  bool survivors;  // count them by cohort and size too
};

void sum_block(Sums& sums, std::uint16_t owner, std::size_t bytes) noexcept {
  if (owner == 0 || owner >= ledger::kOwnerSlots) return;
  sums.bytes[owner] += bytes;
  ++sums.blocks;
  if (sums.survivors) count_survivor(*sums.engine, owner, bytes);
}

void sum_pool(void* context, PoolRecord& pool) {
  for (std::size_t i = 0, n = pool.length(); i < n; ++i) {
    sum_block(*static_cast<Sums*>(context), pool.owners[i] & kOwnerMask, pool.block_bytes);
  }
}

void sum_word(void* context, std::atomic<std::uint64_t>& word) {
  const std::uint64_t seen = word.load(std::memory_order_relaxed);
  sum_block(*static_cast<Sums*>(context), WordMap::owner_of(seen), WordMap::bytes_of(seen));
}

void sum_native(void* context, std::uintptr_t address, std::atomic<std::uint16_t>& entry) {
  Sums& sums = *static_cast<Sums*>(context);
  const std::size_t bytes = sums.engine->native.usable_bytes(reinterpret_cast<void*>(address));
  const NativeEntry known = NativeMap::unpack(entry.load(std::memory_order_relaxed));
  sum_block(sums, known.owner, bytes);
  if (known.owner < ledger::kOwnerSlots && !known.python) sums.native_bytes[known.owner] += bytes;
}

void sum_blocks(Engine& e, Sums& sums) noexcept {
  sums.engine = &e;
  e.pools.for_each(sum_pool, &sums);
  e.words.for_each(sum_word, &sums);
  e.natives.for_each(sum_native, &sums);
}

}  // namespace

void settle_by_walking(Engine& e) noexcept {
  auto* sums = static_cast<Sums*>(map_pages(sizeof(Sums)));
  if (sums == nullptr) return;
  sum_blocks(e, *sums);
  const std::uint32_t end = e.ledger.header.owner_high_water.load(std::memory_order_relaxed);
  for (std::uint32_t id = 1; id < end; ++id) {
    const std::int64_t counted = live_bytes(e, OwnerId{static_cast<std::uint16_t>(id)});
    const std::int64_t missing = static_cast<std::int64_t>(sums->bytes[id]) - counted;
    ledger::OffGilBank& outside = e.ledger.off_gil[id];
    outside.live_bytes.fetch_add(missing, std::memory_order_relaxed);
    outside.native_live_bytes.store(static_cast<std::int64_t>(sums->native_bytes[id]), std::memory_order_relaxed);
  }
  munmap(sums, sizeof(Sums));
}

void count_survivors(Engine& e) noexcept {
  auto* sums = static_cast<Sums*>(map_pages(sizeof(Sums)));
  if (sums == nullptr) return;
  const HeldFrees held(e);
  widen_cohorts(e);
  sums->survivors = true;
  sum_blocks(e, *sums);
  munmap(sums, sizeof(Sums));
}

Audit audit(Engine& e) noexcept {
  Audit result;
  const HeldFrees held(e);
  auto* sums = static_cast<Sums*>(map_pages(sizeof(Sums)));
  if (sums == nullptr) return result;
  sum_blocks(e, *sums);
  const std::uint32_t end = e.ledger.header.owner_high_water.load(std::memory_order_relaxed);
  for (std::uint32_t id = 1; id < end; ++id) {
    const auto counted = static_cast<std::uint64_t>(live_bytes(e, OwnerId{static_cast<std::uint16_t>(id)}));
    result.walked_bytes += sums->bytes[id];
    result.counted_bytes += counted;
    if (counted == sums->bytes[id]) continue;
    if (result.mismatches++ != 0) continue;
    result.first_mismatch = static_cast<std::uint16_t>(id);
    result.first_walked_bytes = sums->bytes[id];
    result.first_counted_bytes = counted;
  }
  result.blocks = sums->blocks;
  result.done = true;
  munmap(sums, sizeof(Sums));
  return result;
}

}  // namespace heapledger::engine
