#include "engine/tenure.h"

#include "engine/native_books.h"
#include "engine/owners.h"
#include "engine/survivors.h"

namespace heapledger::engine {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr std::uint32_t kSweepAtOwners = ledger::kOwnerSlots / 2;
constexpr std::uint64_t kPoolsAStep = 256;
constexpr std::uint64_t kWordsAStep = 2048;
constexpr std::uint64_t kNativesAStep = 8192;
constexpr int kStepsWhenScarce = 16;

bool is_sweeping(Engine& e, std::uint16_t owner) noexcept {
  return e.ledger.owners[owner].state == OwnerState::kSweeping;
}

void sweep_pool(void* context, PoolRecord& pool) {
  Engine& e = *static_cast<Engine*>(context);
  for (std::size_t i = 0, n = pool.length(); i < n; ++i) {
    const std::uint16_t marked = pool.owners[i];
    const OwnerId from{static_cast<std::uint16_t>(marked & kOwnerMask)};
    if (marked == 0 || !is_sweeping(e, from.raw())) continue;
    const OwnerId to = heir_of(e, from);
    pool.owners[i] = static_cast<std::uint16_t>((marked & kSampledBit) | to.raw());
    move_books(e, from, to, pool.block_bytes);
  }
}

void sweep_word(void* context, std::atomic<std::uint64_t>& word) {
  Engine& e = *static_cast<Engine*>(context);
  std::uint64_t seen = word.load(kRelaxed);
  const std::uint16_t owner = WordMap::owner_of(seen);
  if (seen == 0 || !is_sweeping(e, owner)) return;
  const OwnerId to = heir_of(e, OwnerId{owner});
  // A free of this block that comes in between leaves a zero: the exchange fails and the free has debited `owner`.
  if (!word.compare_exchange_strong(seen, WordMap::with_owner(seen, to.raw()), kRelaxed)) return;
  move_books(e, OwnerId{owner}, to, WordMap::bytes_of(seen));
}

void sweep_native(void* context, std::uintptr_t address, std::atomic<std::uint16_t>& entry) {
  Engine& e = *static_cast<Engine*>(context);
  const std::uint16_t owner = NativeMap::unpack(entry.load(kRelaxed)).owner;
  if (owner == 0 || !is_sweeping(e, owner)) return;
  tenure_native(e, address, entry, OwnerId{owner}, heir_of(e, OwnerId{owner}));
}

void begin_sweep(Engine& e) noexcept {
  widen_cohorts(e);
  const std::uint32_t end = e.ledger.header.owner_high_water.load(kRelaxed);
  for (std::uint32_t id = 1; id < end; ++id) {
    if (e.ledger.owners[id].state == OwnerState::kEnded) e.ledger.owners[id].state = OwnerState::kSweeping;
  }
  e.sweep_pool_cursor = 0;
  e.sweep_word_cursor = 0;
  e.sweep_native_cursor = 0;
  e.sweeping = true;
  forget_current(e);
}

void finish_sweep(Engine& e) noexcept {
  const std::uint32_t end = e.ledger.header.owner_high_water.load(kRelaxed);
  for (std::uint32_t id = 1; id < end; ++id) {
    if (!is_sweeping(e, static_cast<std::uint16_t>(id))) continue;
    const OwnerId owner{static_cast<std::uint16_t>(id)};
    // What is left was missed (a granule's second block that another thread was moving): the next sweep takes it.
    e.ledger.owners[id].state = OwnerState::kEnded;
    if (live_bytes(e, owner) == 0) recycle(e, owner);
  }
  e.sweeping = false;
}

bool step(Engine& e) noexcept {
  if (e.sweep_pool_cursor != PoolMap::kEndOfPools) {
    e.sweep_pool_cursor = e.pools.walk(e.sweep_pool_cursor, kPoolsAStep, sweep_pool, &e);
    return true;
  }
  if (e.sweep_word_cursor != WordMap::kEnd) {
    e.sweep_word_cursor = e.words.walk(e.sweep_word_cursor, kWordsAStep, sweep_word, &e);
    return true;
  }
  if (e.sweep_native_cursor != NativeMap::kEnd) {
    const HeldFrees held(e);
    e.sweep_native_cursor = e.natives.walk(e.sweep_native_cursor, kNativesAStep, sweep_native, &e);
    return true;
  }
  finish_sweep(e);
  return false;
}

}  // namespace

void tenure_step(Engine& e) noexcept {
  if (!e.sweeping) {
    if (e.ended_owners < kSweepAtOwners) return;
    begin_sweep(e);
  }
  const std::uint32_t used = e.ledger.header.owner_high_water.load(kRelaxed) - e.free_owner_count;
  const int steps = used > ledger::kOwnerSlots / 8 * 7 ? kStepsWhenScarce : 1;
  for (int i = 0; i < steps && step(e); ++i) {
  }
}

void tenure_all(Engine& e) noexcept {
  if (!e.sweeping) begin_sweep(e);
  while (step(e)) {
  }
}

}  // namespace heapledger::engine
