#include "engine/books.h"

#include <algorithm>
#include <bit>

#include "base/clock.h"
#include "engine/curve.h"
#include "engine/owners.h"
#include "engine/peaks.h"

namespace heapledger::engine {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr std::int64_t kSmallestStepBytes = std::int64_t{8} * 1024;

std::int64_t window_step(std::int64_t live) noexcept {
  if (live <= 0) return kSmallestStepBytes;
  const auto floor = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(live)));
  return std::max(kSmallestStepBytes, floor / 8);
}

std::int64_t off_gil_live(Engine& e, OwnerId owner) noexcept {
  return e.ledger.off_gil[owner.raw()].live_bytes.load(kRelaxed);
}

// The hot bank's highest moment since the last fold, on top of what the off-GIL bank held throughout: the smaller of
// its levels at both ends, so that two moments that never met are not added. Its own credits fold the rest.
std::int64_t fold_peak(Engine& e, OwnerId owner, HotBank& bank) noexcept {
  std::int64_t& folded = e.ledger.off_gil[owner.raw()].folded_live_bytes;
  const std::int64_t outside = off_gil_live(e, owner);
  const std::int64_t highest = bank.threshold - std::min(bank.min_room, bank.room) + std::min(folded, outside);
  folded = outside;
  if (highest > static_cast<std::int64_t>(bank.peak_bytes)) set_peak(bank, static_cast<std::uint64_t>(highest));
  PhaseBook& phase = e.phases[owner.raw()];
  phase.highest_bytes = std::max(phase.highest_bytes, highest);
  return highest;
}

void lay_window(HotBank& bank) noexcept {
  const std::int64_t live = gil_live(bank);
  const std::int64_t step = window_step(live);
  __atomic_store_n(&bank.threshold, live + step, __ATOMIC_RELAXED);
  set_room(bank, step);
  bank.min_room = step;
  bank.width = static_cast<std::uint64_t>(step + std::min(step, std::max<std::int64_t>(live, 0)));
}

// An ended owner's last free has to be seen: its window ends above nothing. Where the last one may be the other bank's
// the window has no width, so that each comes here.
void lay_ended_window(HotBank& bank, std::int64_t outside) noexcept {
  const std::int64_t live = gil_live(bank);
  if (live > 0 && outside == 0) {
    lay_window(bank);
    bank.width = std::min(bank.width, static_cast<std::uint64_t>(bank.threshold - 1));
    return;
  }
  __atomic_store_n(&bank.threshold, live, __ATOMIC_RELAXED);
  set_room(bank, 0);
  bank.min_room = 0;
  bank.width = 0;
}

void integrate(Engine& e, OwnerId owner, std::int64_t level, std::uint64_t now_ns) noexcept {
  OwnerRecord& who = record(e, owner);
  HotBank& bank = hot(e, owner);
  if (who.state == OwnerState::kOpen) {
    const double seconds = static_cast<double>(now_ns - bank.synced_ns) * 1e-9;
    const double byte_seconds = static_cast<double>(std::max<std::int64_t>(level, 0)) * seconds;
    who.byte_seconds += byte_seconds;
    if (who.kind == OwnerKind::kRequest) extend_curve(e, owner, seconds, byte_seconds);
  }
  bank.synced_ns = now_ns;
}

void record_level(Engine& e, OwnerRecord& who, std::int64_t level) noexcept {
  e.process_level_bytes += level - who.recorded_level_bytes;
  who.recorded_level_bytes = level;
  if (peak_is_due(e)) snapshot_peak(e);
}

}  // namespace

void fold(Engine& e, OwnerId owner, std::int64_t before_bytes) noexcept {
  HotBank& bank = hot(e, owner);
  OwnerRecord& who = record(e, owner);
  const std::int64_t highest = fold_peak(e, owner, bank);
  const std::int64_t outside = off_gil_live(e, owner);
  if (who.state >= OwnerState::kEnded) {
    lay_ended_window(bank, outside);
    record_level(e, who, gil_live(bank) + outside);
    if (who.state == OwnerState::kEnded && gil_live(bank) + outside == 0) recycle(e, owner);
    return;
  }
  const std::uint64_t now_ns = base::monotonic_ns();
  integrate(e, owner, before_bytes + outside, now_ns);
  if (who.kind == OwnerKind::kRequest) raise_curve_peak(e, owner, highest, now_ns);
  lay_window(bank);
  record_level(e, who, gil_live(bank) + outside);
}

namespace {

// Bring an owner's clock to `now_ns` without moving its window.
void settle(Engine& e, OwnerId owner, std::uint64_t now_ns) noexcept {
  OwnerRecord& who = record(e, owner);
  if (who.state >= OwnerState::kEnded) return;
  const std::int64_t level = live_bytes(e, owner);
  integrate(e, owner, level, now_ns);
  record_level(e, who, level);
}

bool same_key(const CurrentOwner& a, const CurrentOwner& b) noexcept {
  return a.thread == b.thread && a.thread_id == b.thread_id && a.context_version == b.context_version;
}

// Frees that waited for their freer's name. A zero adopter: nobody's, the key was never resolved.
void settle_pending(Engine& e, std::uint16_t adopter) noexcept {
  for (std::uint32_t i = 0; i < e.pending_count; ++i) {
    const PendingFree& free = e.pending[i];
    if (free.owner == adopter) continue;
    record(e, OwnerId{free.owner}).foreign_freed_bytes += free.bytes;
    if (adopter != 0) record(e, OwnerId{adopter}).adopted_bytes += free.bytes;
    if (is_aged(e, free.owner)) survivor_freed(e, free.owner, adopter, free.bytes, free.blocks, e.resumed_ns);
  }
  e.pending_count = 0;
}

void hold_pending(Engine& e, OwnerId owner, std::uint64_t bytes) noexcept {
  for (std::uint32_t i = 0; i < e.pending_count; ++i) {
    if (e.pending[i].owner != owner.raw()) continue;
    e.pending[i].bytes += bytes;
    ++e.pending[i].blocks;
    return;
  }
  if (e.pending_count == kPendingFrees) settle_pending(e, 0);
  e.pending[e.pending_count++] = {owner.raw(), 1, bytes};
}

}  // namespace

std::uint64_t peak_bytes(Engine& e, OwnerId owner) noexcept {
  fold_peak(e, owner, hot(e, owner));
  return std::max(hot(e, owner).peak_bytes, e.ledger.off_gil[owner.raw()].peak_bytes.load(kRelaxed));
}

// The off-GIL bank's peak starts anew at the present level; what it was is in the hot bank's from then on.
std::int64_t restart_peak(Engine& e, OwnerId owner) noexcept {
  HotBank& bank = hot(e, owner);
  ledger::OffGilBank& outside = e.ledger.off_gil[owner.raw()];
  PhaseBook& phase = e.phases[owner.raw()];
  fold_peak(e, owner, bank);
  bank.min_room = bank.room;
  const std::int64_t level = std::max<std::int64_t>(0, gil_live(bank) + outside.live_bytes.load(kRelaxed));
  const std::uint64_t of_others = outside.peak_bytes.exchange(static_cast<std::uint64_t>(level), kRelaxed);
  set_peak(bank, std::max(bank.peak_bytes, of_others));
  const std::int64_t highest = std::max(phase.highest_bytes, static_cast<std::int64_t>(of_others));
  phase.highest_bytes = level;
  return highest;
}

void credit_off_gil(Engine& e, OwnerId owner, std::uint64_t bytes) noexcept {
  ledger::OffGilBank& bank = e.ledger.off_gil[owner.raw()];
  const auto change = static_cast<std::int64_t>(bytes);
  const std::int64_t outside = bank.live_bytes.fetch_add(change, kRelaxed) + change;
  bank.allocated_bytes.fetch_add(bytes, kRelaxed);
  bank.allocations.fetch_add(1, kRelaxed);
  // The hot bank belongs to the thread that holds the GIL; reading it from here is a torn-free snapshot at best.
  const HotBank& other = e.ledger.hot[owner.raw()];
  const std::int64_t inside =
      __atomic_load_n(&other.threshold, __ATOMIC_RELAXED) - __atomic_load_n(&other.room, __ATOMIC_RELAXED);
  const auto total = static_cast<std::uint64_t>(std::max<std::int64_t>(0, inside + outside));
  std::uint64_t peak = bank.peak_bytes.load(kRelaxed);
  while (total > peak && !bank.peak_bytes.compare_exchange_weak(peak, total, kRelaxed)) {
  }
  // The thread that runs under the GIL next folds again with what this one holds.
  forget_current(e);
}

void debit_off_gil(Engine& e, OwnerId owner, std::uint64_t bytes) noexcept {
  e.ledger.off_gil[owner.raw()].live_bytes.fetch_sub(static_cast<std::int64_t>(bytes), kRelaxed);
  if (HL_UNLIKELY(is_aged(e, owner.raw()))) survivor_freed(e, owner.raw(), 0, bytes, 1, base::monotonic_ns());
}

void freed_elsewhere(Engine& e, OwnerId owner, std::uint64_t bytes, const CurrentOwner& key) noexcept {
  if (same_key(e.current, key)) {
    if (e.current.owner != owner.raw()) note_freed_by(e, e.current.owner, owner.raw(), bytes);
    return;
  }
  if (!same_key(e.pending_key, key)) {
    settle_pending(e, 0);
    e.pending_key = key;
  }
  hold_pending(e, owner, bytes);
}

void set_current(Engine& e, const CurrentOwner& resolved) noexcept {
  if (e.pending_count > 0) settle_pending(e, same_key(e.pending_key, resolved) ? resolved.owner : 0);
  const OwnerId before{e.current.owner};
  const OwnerId after{resolved.owner};
  if (before != after) {
    const std::uint64_t now_ns = base::monotonic_ns();
    if (before.raw() != kNobody) {
      record(e, before).running_ns += now_ns - e.resumed_ns;
      settle(e, before, now_ns);
    }
    settle(e, after, now_ns);
    e.resumed_ns = now_ns;
  }
  e.current = resolved;
  e.current.bank = &hot(e, after);
  if (HL_UNLIKELY(samples_unusually(e.sampler))) retune(e, after.raw());
}

}  // namespace heapledger::engine
