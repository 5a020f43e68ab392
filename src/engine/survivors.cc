#include "engine/survivors.h"

#include <algorithm>
#include <bit>

#include "engine/owners.h"

namespace heapledger::engine {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr std::uint32_t kCohortOwnersAtMost = ledger::kOwnerSlots / 4;
constexpr std::uint64_t kFirstAgeBinNs = 10'000'000;
constexpr std::uint64_t kAgedRequests = 32;  // younger ones are mostly handed on from one request to the next

ledger::LifeRecord* life_of(Engine& e, std::uint32_t endpoint) noexcept {
  return endpoint < ledger::kEndpointSlots ? &e.ledger.lives[endpoint] : nullptr;
}

std::uint32_t cohort_of(const ledger::LifeRecord& life, std::uint32_t ordinal) noexcept {
  return std::min((ordinal - 1) / life.cohort_requests, ledger::kCohorts - 1);
}

std::uint32_t age_bin(std::uint64_t age_ns) noexcept {
  const auto octaves = static_cast<std::uint32_t>(std::bit_width(age_ns / kFirstAgeBinNs));
  return std::min((octaves + 1) / 2, ledger::kAgeBins - 1);
}

void raise_to(std::atomic<std::uint64_t>& value, std::uint64_t at_least) noexcept {
  std::uint64_t seen = value.load(kRelaxed);
  while (seen < at_least && !value.compare_exchange_weak(seen, at_least, kRelaxed)) {
  }
}

std::size_t slot_of(std::uint64_t key, std::size_t slots) noexcept {
  return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15ULL) >> 40) % slots;
}

void add_flow(Engine& e, std::uint32_t owner_endpoint, std::uint32_t freer_endpoint, std::uint64_t bytes,
              std::uint64_t blocks) noexcept {
  constexpr std::size_t kProbesAtMost = 32;
  const std::uint64_t key = (std::uint64_t{owner_endpoint} + 1) << 32 | (std::uint64_t{freer_endpoint} + 1);
  std::size_t at = slot_of(key, ledger::kFlowCells);
  for (std::size_t probe = 0; probe < kProbesAtMost; ++probe, at = (at + 1) % ledger::kFlowCells) {
    ledger::FlowCell& cell = e.ledger.flows[at];
    std::uint64_t seen = cell.key.load(kRelaxed);
    if (seen == 0 && cell.key.compare_exchange_strong(seen, key, kRelaxed)) seen = key;
    if (seen != key) continue;
    cell.bytes.fetch_add(bytes, kRelaxed);
    cell.blocks.fetch_add(blocks, kRelaxed);
    return;
  }
  e.ledger.header.lost_flow_bytes.fetch_add(bytes, kRelaxed);
}

void double_runs(Engine& e, ledger::LifeRecord& life) noexcept {
  const std::uint64_t run = std::uint64_t{life.cohort_requests} * 2;
  for (std::uint32_t cohort = 0; cohort < ledger::kCohorts; ++cohort) {
    std::uint16_t older = 0;
    std::uint16_t younger = 0;
    if (cohort < ledger::kCohorts / 2) {
      older = life.cohort_owners[std::size_t{2} * cohort];
      younger = life.cohort_owners[std::size_t{2} * cohort + 1];
    }
    const std::uint16_t kept = older != 0 ? older : younger;
    life.cohort_owners[cohort] = kept;
    if (kept == 0) continue;
    // Read by off-GIL frees, as cohort_requests below: for an age, which may be one doubling late.
    __atomic_store_n(&record(e, OwnerId{kept}).ordinal, static_cast<std::uint32_t>(cohort * run + 1), __ATOMIC_RELAXED);
    if (older == 0 || younger == 0) continue;
    OwnerRecord& merged = record(e, OwnerId{younger});
    merged.state = OwnerState::kEnded;  // the sweep that is about to begin takes it
    ++e.ended_owners;
    --e.cohort_owner_count;
  }
  __atomic_store_n(&life.cohort_requests, static_cast<std::uint32_t>(run), __ATOMIC_RELAXED);
}

// 0: no slot is left for it.
std::uint16_t cohort_owner(Engine& e, ledger::LifeRecord& life, std::uint32_t endpoint, std::uint32_t cohort) noexcept {
  std::uint16_t& known = life.cohort_owners[cohort];
  if (known != 0) return known;
  if (e.cohort_owner_count >= kCohortOwnersAtMost) return 0;
  const OwnerId fresh = take_owner(e, OwnerKind::kTenured);
  if (fresh.raw() == 0) return 0;
  ++e.cohort_owner_count;
  OwnerRecord& who = record(e, fresh);
  who.endpoint = endpoint;
  who.ordinal = cohort * life.cohort_requests + 1;
  __atomic_store_n(&who.flags, ledger::kOwnerAged, __ATOMIC_RELEASE);  // pairs with is_aged()
  known = fresh.raw();
  return known;
}

}  // namespace

void begin_survival(Engine& e, OwnerId owner) noexcept {
  OwnerRecord& who = record(e, owner);
  ledger::LifeRecord* life = life_of(e, who.endpoint);
  if (life == nullptr) return;
  who.ordinal = static_cast<std::uint32_t>(++life->requests);
  // What a service frees when it is shut down is no sign that it would have been freed had it gone on.
  life->oldest_free_requests.store(life->freed_since_requests.load(kRelaxed), kRelaxed);
  // Off-GIL frees look at the flags.
  __atomic_store_n(&who.flags, static_cast<std::uint16_t>(who.flags | ledger::kOwnerAged), __ATOMIC_RELEASE);
  life->retained_bytes.fetch_add(live_bytes(e, owner), kRelaxed);
}

void survivor_freed(Engine& e, std::uint16_t owner, std::uint16_t freer, std::uint64_t bytes, std::uint64_t blocks,
                    std::uint64_t now_ns) noexcept {
  const OwnerRecord& who = e.ledger.owners[owner];
  ledger::LifeRecord* life = life_of(e, who.endpoint);
  if (life == nullptr) return;
  const std::uint64_t ended_ns = __atomic_load_n(&who.started_ns, __ATOMIC_RELAXED) + who.at_end.duration_ns;
  const std::uint64_t requests = __atomic_load_n(&life->requests, __ATOMIC_RELAXED);
  // Of a cohort: the age of its youngest.
  const bool tenured = who.kind == OwnerKind::kTenured;
  const std::uint64_t run = __atomic_load_n(&life->cohort_requests, __ATOMIC_RELAXED);
  const std::uint64_t born = __atomic_load_n(&who.ordinal, __ATOMIC_RELAXED) + (tenured ? run - 1 : 0);
  const std::uint64_t age = requests - std::min(requests, born);
  life->retained_bytes.fetch_sub(static_cast<std::int64_t>(bytes), kRelaxed);
  life->freed_bytes.fetch_add(bytes, kRelaxed);
  life->freed_by_age_bytes[age_bin(now_ns - std::min(now_ns, ended_ns))].fetch_add(bytes, kRelaxed);
  raise_to(life->freed_since_requests, age);
  if (age >= kAgedRequests) {
    std::uint64_t never = 0;
    life->first_aged_free_request.compare_exchange_strong(never, requests, kRelaxed);
    raise_to(life->last_aged_free_request, requests);
  }
  const OwnerRecord& other = e.ledger.owners[freer];
  add_flow(e, who.endpoint, freer != 0 && other.kind == OwnerKind::kRequest ? other.endpoint : 0, bytes, blocks);
}

void widen_cohorts(Engine& e) noexcept {
  const std::uint32_t end = std::min(e.ledger.header.endpoint_count.load(kRelaxed), ledger::kEndpointSlots);
  for (std::uint32_t endpoint = 0; endpoint < end; ++endpoint) {
    ledger::LifeRecord& life = e.ledger.lives[endpoint];
    if (life.requests == 0) continue;
    if (life.cohort_requests == 0) {
      const std::uint64_t run = (life.requests + ledger::kCohorts - 1) / ledger::kCohorts;
      __atomic_store_n(&life.cohort_requests, static_cast<std::uint32_t>(std::bit_ceil(run)), __ATOMIC_RELAXED);
    }
    while (life.requests > std::uint64_t{life.cohort_requests} * ledger::kCohorts) double_runs(e, life);
  }
}

OwnerId heir_of(Engine& e, OwnerId owner) noexcept {
  const OwnerRecord& who = record(e, owner);
  if (who.kind == OwnerKind::kConnection) return OwnerId{ledger::kOwnerService};  // closed, and kept: no request's
  ledger::LifeRecord* life = life_of(e, who.endpoint);
  if (life != nullptr && who.ordinal != 0 && life->cohort_requests != 0) {
    const std::uint16_t heir = cohort_owner(e, *life, who.endpoint, cohort_of(*life, who.ordinal));
    if (heir != 0) {
      OwnerRecord& tenured = record(e, OwnerId{heir});
      const std::uint64_t ended_ns = who.started_ns + who.at_end.duration_ns;
      // Off-GIL frees of what it has already read it for the age.
      __atomic_store_n(&tenured.started_ns, std::max(tenured.started_ns, ended_ns), __ATOMIC_RELAXED);
      return OwnerId{heir};
    }
  }
  return tenured_owner(e, EndpointId{who.endpoint});
}

std::uint32_t size_class_of(std::uint64_t bytes) noexcept {
  constexpr std::uint64_t kFine = 512;
  if (bytes <= kFine) return static_cast<std::uint32_t>((std::max<std::uint64_t>(bytes, 1) - 1) / 16);
  const auto octave = static_cast<std::uint32_t>(std::bit_width(bytes - 1));  // 513 to 1024: 10
  return std::min(32 + octave - 10, kSizeClasses - 1);
}

void count_survivor(Engine& e, std::uint16_t owner, std::uint64_t bytes) noexcept {
  constexpr std::size_t kProbesAtMost = 256;
  const OwnerRecord& who = e.ledger.owners[owner];
  const ledger::LifeRecord* life = life_of(e, who.endpoint);
  if ((who.flags & ledger::kOwnerAged) == 0 || who.ordinal == 0 || life == nullptr || life->cohort_requests == 0)
    return;
  const std::uint64_t cohort = cohort_of(*life, who.ordinal);
  const std::uint64_t key = std::uint64_t{who.endpoint} << 32 | cohort << 16 | (size_class_of(bytes) + 1U);
  std::size_t at = slot_of(key, ledger::kCohortCells);
  for (std::size_t probe = 0; probe < kProbesAtMost; ++probe, at = (at + 1) % ledger::kCohortCells) {
    ledger::CohortCell& cell = e.ledger.cohort_cells[at];
    const std::uint64_t seen = cell.key.load(kRelaxed);
    if (seen != 0 && seen != key) continue;
    if (seen == 0) cell.key.store(key, kRelaxed);
    cell.live_bytes += bytes;
    cell.live_blocks += 1;
    return;
  }
  e.ledger.header.lost_cohort_bytes.fetch_add(bytes, kRelaxed);
}

}  // namespace heapledger::engine
