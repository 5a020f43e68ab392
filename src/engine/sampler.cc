#include "engine/sampler.h"

#include <math.h>
#include <string.h>

#include <algorithm>

#include "base/clock.h"
#include "engine/books.h"
#include "engine/id_index.h"

namespace heapledger::engine {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr std::uint32_t kNoSite = ~std::uint32_t{0};

// One step of xorshift64*; two threads that meet here may draw the same number, which harms nobody.
std::uint64_t next_random(Sampler& sampler) noexcept {
  std::uint64_t state = __atomic_load_n(&sampler.random, __ATOMIC_RELAXED);
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  __atomic_store_n(&sampler.random, state, __ATOMIC_RELAXED);
  return state * 0x2545F4914F6CDD1DULL;
}

std::uint32_t& bucket_of(Sampler& sampler, std::uint64_t address) noexcept {
  return sampler.buckets[mixed(address) % Sampler::kBuckets];
}

void raise_filter(Sampler& sampler, std::uint64_t address) noexcept {
  std::atomic<std::uint8_t>& cell = sampler.filter[filter_cell(address)];
  if (cell.load(kRelaxed) != 255) cell.store(static_cast<std::uint8_t>(cell.load(kRelaxed) + 1), kRelaxed);
}

void lower_filter(Sampler& sampler, std::uint64_t address) noexcept {
  std::atomic<std::uint8_t>& cell = sampler.filter[filter_cell(address)];
  if (cell.load(kRelaxed) != 255) cell.store(static_cast<std::uint8_t>(cell.load(kRelaxed) - 1), kRelaxed);
}

std::uint64_t site_key(std::uint32_t endpoint, std::uint32_t stack) noexcept {
  return std::uint64_t{endpoint} << 32 | stack;
}

std::uint32_t site_for(Engine& e, std::uint32_t endpoint, std::uint16_t stack) noexcept {
  Sampler& sampler = e.sampler;
  const std::uint64_t key = site_key(endpoint, stack);
  const std::uint16_t known = find_in(sampler.site_index, key, [&](std::uint32_t at) {
    return site_key(e.ledger.sites[at].endpoint, e.ledger.sites[at].stack) == key;
  });
  if (known != 0) return known - 1U;
  std::atomic<std::uint32_t>& count = e.ledger.header.site_count;
  const std::uint32_t at = count.load(kRelaxed);
  if (at >= ledger::kSites) return kNoSite;
  e.ledger.sites[at] = {};
  e.ledger.sites[at].endpoint = endpoint;
  e.ledger.sites[at].stack = stack;
  put_in(sampler.site_index, key, static_cast<std::uint16_t>(at + 1));
  count.store(at + 1, std::memory_order_release);  // acquire: LedgerView reads sites below the count only
  return at;
}

// Book what this sample stands for under its endpoint, once that is known.
void name_site(Engine& e, BlockSample& sample, bool last_chance) noexcept {
  const std::uint32_t endpoint = e.ledger.owners[sample.owner].endpoint;
  if (sample.site != kNoSite || (endpoint == ledger::kEndpointUnknown && !last_chance)) return;
  sample.site = site_for(e, endpoint, sample.stack);
  if (sample.site == kNoSite) {
    if (last_chance) e.ledger.header.lost_samples.fetch_add(1, kRelaxed);
    return;
  }
  ledger::SiteRecord& site = e.ledger.sites[sample.site];
  ++site.samples;
  site.allocated_bytes += static_cast<double>(sample.bytes);
}

void unlink_from_bucket(Sampler& sampler, std::uint32_t id) noexcept {
  BlockSample& sample = sampler.samples[id];
  for (std::uint32_t* link = &bucket_of(sampler, sample.address); *link != 0;) {
    if (*link == id) {
      *link = sample.next_in_bucket;
      break;
    }
    link = &sampler.samples[*link].next_in_bucket;
  }
  lower_filter(sampler, sample.address);
  sample.address = 0;
}

void unlink_from_owner(Sampler& sampler, std::uint32_t id) noexcept {
  for (std::uint32_t* link = &sampler.first_of_owner[sampler.samples[id].owner]; *link != 0;) {
    if (*link == id) {
      *link = sampler.samples[id].next_of_owner;
      return;
    }
    link = &sampler.samples[*link].next_of_owner;
  }
}

void release_slot(Sampler& sampler, std::uint32_t id) noexcept {
  sampler.samples[id] = {};
  sampler.samples[id].next_of_owner = sampler.free_sample;
  sampler.free_sample = id;
}

struct Level {
  std::uint64_t now_bytes;
  std::uint64_t highest_bytes;  // since the owner began
};

// Of any owner, on any thread: a snapshot.
Level level_of(const Engine& e, std::uint16_t owner) noexcept {
  const ledger::HotBank& bank = e.ledger.hot[owner];
  const ledger::OffGilBank& off_gil = e.ledger.off_gil[owner];
  const std::int64_t outside = off_gil.live_bytes.load(kRelaxed);
  const std::int64_t threshold = __atomic_load_n(&bank.threshold, __ATOMIC_RELAXED);
  const std::int64_t room = __atomic_load_n(&bank.room, __ATOMIC_RELAXED);
  const std::int64_t least_room = std::min(__atomic_load_n(&bank.min_room, __ATOMIC_RELAXED), room);
  const auto positive = [](std::int64_t bytes) { return static_cast<std::uint64_t>(std::max<std::int64_t>(0, bytes)); };
  // The window's highest, that of the windows before, and what was reached outside of the GIL.
  return {positive(threshold - room + outside),
          std::max({positive(threshold - least_room + outside), __atomic_load_n(&bank.peak_bytes, __ATOMIC_RELAXED),
                    off_gil.peak_bytes.load(kRelaxed)})};
}

// The owner's highest moment may have been since the set was last taken: its live samples that were there are the set.
void take_peak(Engine& e, std::uint16_t owner) noexcept {
  Sampler& sampler = e.sampler;
  const std::uint64_t highest = level_of(e, owner).highest_bytes;
  std::uint64_t& taken = sampler.peak_taken_bytes[owner];
  if (highest <= taken + taken / 64) return;
  taken = highest;
  for (std::uint32_t* link = &sampler.first_of_owner[owner]; *link != 0;) {
    const std::uint32_t id = *link;
    BlockSample& sample = sampler.samples[id];
    sample.at_peak = sample.address != 0 && highest > sample.born_below_bytes ? 1 : 0;
    if (sample.address != 0 || sample.site == kNoSite) {
      link = &sample.next_of_owner;
      continue;
    }
    *link = sample.next_of_owner;  // a ghost of a lower peak
    release_slot(sampler, id);
  }
}

void drop_survivor(Engine& e, std::uint32_t id) noexcept {
  const BlockSample& sample = e.sampler.samples[id];
  if (sample.site != kNoSite) {
    ledger::SiteRecord& site = e.ledger.sites[sample.site];
    site.retained_bytes -= static_cast<double>(sample.bytes);
    site.retained_blocks -= static_cast<double>(sample.blocks);
    if (--site.retained_samples == 0) site.retained_bytes = site.retained_blocks = 0;
  }
}

void drop(Engine& e, std::uint64_t address) noexcept {
  Sampler& sampler = e.sampler;
  std::uint32_t id = bucket_of(sampler, address);
  while (id != 0 && sampler.samples[id].address != address) id = sampler.samples[id].next_in_bucket;
  if (id == 0) return;
  BlockSample& sample = sampler.samples[id];
  if (sample.survivor != 0) {
    drop_survivor(e, id);
    unlink_from_bucket(sampler, id);
    release_slot(sampler, id);
    return;
  }
  take_peak(e, sample.owner);
  name_site(e, sample, false);
  unlink_from_bucket(sampler, id);
  if (sample.at_peak != 0 || sample.site == kNoSite) return;  // a ghost
  unlink_from_owner(sampler, id);
  release_slot(sampler, id);
}

// The count may be behind the list, or before it for a moment: it only says whether a look is worth it.
void drop_missed(Engine& e) noexcept {
  Sampler& sampler = e.sampler;
  if (HL_LIKELY(sampler.missed_count.load(kRelaxed) == 0)) return;
  std::uint32_t found = 0;
  for (std::atomic<std::uint64_t>& missed : sampler.missed) {
    if (missed.load(kRelaxed) == 0) continue;
    drop(e, missed.exchange(0, kRelaxed));
    ++found;
  }
  sampler.missed_count.fetch_sub(found, kRelaxed);
}

bool leave_to_holder(Sampler& sampler, std::uint64_t address) noexcept {
  for (std::atomic<std::uint64_t>& missed : sampler.missed) {
    std::uint64_t none = 0;
    if (!missed.compare_exchange_strong(none, address, kRelaxed)) continue;
    sampler.missed_count.fetch_add(1, kRelaxed);
    return true;
  }
  return false;
}

std::uint32_t take_slot(Sampler& sampler) noexcept {
  if (sampler.free_sample != 0) {
    const std::uint32_t id = sampler.free_sample;
    sampler.free_sample = sampler.samples[id].next_of_owner;
    return id;
  }
  return sampler.used_samples + 1 < Sampler::kSamples ? ++sampler.used_samples : 0;
}

}  // namespace

Hold::Hold(Engine& e) noexcept : engine_(e), held_(false) {
  constexpr int kTries = 2000;
  for (int i = 0; i < kTries && !held_; ++i) {
    // Acquire: the tables as the last holder left them (release in the destructor).
    held_ = !e.sampler.held.exchange(true, std::memory_order_acquire);
  }
  if (held_) drop_missed(e);
}

Hold::~Hold() {
  if (held_) engine_.sampler.held.store(false, std::memory_order_release);
}

void start_sampler(Engine& e) noexcept {
  Sampler& sampler = e.sampler;
  sampler.random = base::monotonic_ns() * 0x9E3779B97F4A7C15ULL | 1U;
  sampler.mean_bytes = kMeanBytes;
  sampler.room_bytes = draw_room(e, kMeanBytes);
}

void reset_sampler(Engine& e) noexcept {
  Sampler& sampler = e.sampler;
  sampler.held.store(false, kRelaxed);
  for (std::atomic<std::uint64_t>& missed : sampler.missed) missed.store(0, kRelaxed);
  sampler.missed_count.store(0, kRelaxed);
  for (std::uint32_t id = 1; id <= sampler.used_samples; ++id) sampler.samples[id] = {};
  if (sampler.used_samples != 0) {
    memset(static_cast<void*>(sampler.filter), 0, sizeof(sampler.filter));
    memset(sampler.buckets, 0, sizeof(sampler.buckets));
    memset(sampler.first_of_owner, 0, sizeof(sampler.first_of_owner));
    memset(sampler.peak_taken_bytes, 0, sizeof(sampler.peak_taken_bytes));
  }
  sampler.used_samples = sampler.free_sample = 0;
  if (e.ledger.header.site_count.load(kRelaxed) != 0) memset(sampler.site_index, 0, sizeof(sampler.site_index));
  e.ledger.header.site_count.store(0, kRelaxed);
  e.ledger.header.lost_samples.store(0, kRelaxed);
  sampler.zoomed_endpoints = 0;
  memset(sampler.zoom_mean_bytes, 0, sizeof(sampler.zoom_mean_bytes));
  memset(sampler.retained_before, 0, sizeof(sampler.retained_before));
  memset(sampler.grown_looks, 0, sizeof(sampler.grown_looks));
  memset(sampler.zoomed_samples, 0, sizeof(sampler.zoomed_samples));
  start_sampler(e);
}

std::uint64_t draw_room(Engine& e, double mean_bytes) noexcept {
  const double unit = (static_cast<double>(next_random(e.sampler) >> 11) + 0.5) * 0x1p-53;
  return static_cast<std::uint64_t>(-log(unit) * mean_bytes);
}

bool wants_stack(const Engine& e, std::uint16_t owner) noexcept {
  const OwnerRecord& who = e.ledger.owners[owner];
  return who.kind == OwnerKind::kRequest && who.state <= OwnerState::kResponded;
}

bool add_sample(Engine& e, std::uintptr_t address, std::size_t bytes, std::uint16_t owner, std::uint16_t stack,
                double mean_bytes) noexcept {
  Sampler& sampler = e.sampler;
  drop(e, address);  // its free was never told
  const std::uint32_t id = take_slot(sampler);
  if (id == 0) {
    e.ledger.header.lost_samples.fetch_add(1, kRelaxed);
    return false;
  }
  const std::uint32_t endpoint = e.ledger.owners[owner].endpoint;
  if (mean_bytes < kMeanBytes && endpoint < ledger::kEndpointSlots) ++sampler.zoomed_samples[endpoint];
  const double seen = -expm1(-static_cast<double>(bytes) / mean_bytes);
  BlockSample& sample = sampler.samples[id];
  sample = {};
  sample.address = address;
  sample.owner = owner;
  sample.stack = stack;
  sample.site = kNoSite;
  sample.bytes = static_cast<float>(static_cast<double>(bytes) / seen);
  sample.blocks = static_cast<float>(1.0 / seen);
  const Level level = level_of(e, owner);
  sample.born_below_bytes = level.now_bytes >= level.highest_bytes ? 0 : level.highest_bytes;
  std::uint32_t& bucket = bucket_of(sampler, address);
  sample.next_in_bucket = bucket;
  bucket = id;
  raise_filter(sampler, address);
  sample.next_of_owner = sampler.first_of_owner[owner];
  sampler.first_of_owner[owner] = id;
  name_site(e, sample, false);
  return true;
}

void drop_sample(Engine& e, std::uintptr_t address) noexcept {
  if (!may_be_sampled(e.sampler, address)) return;
  const Hold hold(e);
  if (hold) return drop(e, address);
  if (!leave_to_holder(e.sampler, address)) e.ledger.header.lost_samples.fetch_add(1, kRelaxed);
}

void settle_samples(Engine& e, OwnerId owner) noexcept {
  Sampler& sampler = e.sampler;
  std::uint32_t& first = sampler.first_of_owner[owner.raw()];
  if (__atomic_load_n(&first, __ATOMIC_RELAXED) == 0) return;
  const Hold hold(e);
  if (!hold) {
    e.ledger.header.lost_samples.fetch_add(1, kRelaxed);
    return;
  }
  take_peak(e, owner.raw());
  while (first != 0) {
    const std::uint32_t id = first;
    BlockSample& sample = sampler.samples[id];
    first = sample.next_of_owner;
    sample.next_of_owner = 0;
    name_site(e, sample, true);
    if (sample.site != kNoSite) {
      ledger::SiteRecord& site = e.ledger.sites[sample.site];
      if (sample.at_peak != 0) site.peak_bytes += static_cast<double>(sample.bytes);
      if (sample.address != 0) {
        site.retained_bytes += static_cast<double>(sample.bytes);
        site.retained_blocks += static_cast<double>(sample.blocks);
        ++site.retained_samples;
      }
    }
    sample.survivor = 1;
    if (sample.address == 0) release_slot(sampler, id);
  }
  sampler.peak_taken_bytes[owner.raw()] = 0;
}

void retune(Engine& e, std::uint16_t owner) noexcept {
  Sampler& sampler = e.sampler;
  const OwnerRecord& who = e.ledger.owners[owner];
  const bool request = who.kind == OwnerKind::kRequest && who.endpoint < ledger::kEndpointSlots;
  const std::uint32_t zoom = request ? sampler.zoom_mean_bytes[who.endpoint] : 0;
  const double wanted = zoom != 0 ? static_cast<double>(zoom) : kMeanBytes;
  if (wanted == sampler.mean_bytes) return;
  // What is left of an exponential is exponential, and scales.
  sampler.room_bytes =
      static_cast<std::uint64_t>(static_cast<double>(sampler.room_bytes) * wanted / sampler.mean_bytes);
  sampler.mean_bytes = wanted;
}

void look_for_growth(Engine& e, OwnerId owner) noexcept {
  constexpr std::uint64_t kRequestsALook = 64;
  constexpr std::int64_t kLeastGrowthBytes = kRequestsALook * 8;
  constexpr std::uint8_t kLooksToZoom = 2;
  constexpr std::uint32_t kZoomedSamples = 20'000;
  constexpr std::uint64_t kFinestBytes = 4096;
  const OwnerRecord& who = record(e, owner);
  if (who.endpoint >= ledger::kEndpointSlots) return;
  const ledger::LifeRecord& life = e.ledger.lives[who.endpoint];
  if (life.requests % kRequestsALook != 0) return;
  Sampler& sampler = e.sampler;
  const std::int64_t retained = life.retained_bytes.load(kRelaxed);
  const bool grew = retained - sampler.retained_before[who.endpoint] >= kLeastGrowthBytes;
  sampler.retained_before[who.endpoint] = retained;
  std::uint8_t& looks = sampler.grown_looks[who.endpoint];
  looks = grew ? static_cast<std::uint8_t>(std::min(looks + 1, 255)) : std::uint8_t{0};
  std::uint32_t& zoom = sampler.zoom_mean_bytes[who.endpoint];
  if (zoom != 0) --sampler.zoomed_endpoints;
  zoom = 0;
  // A stack walk is some 4,000 instructions: one a request, and no more than tell the lines apart.
  if (looks < kLooksToZoom || sampler.zoomed_samples[who.endpoint] > kZoomedSamples) return;
  const std::uint64_t fine = std::max<std::uint64_t>(who.at_end.allocated_bytes, kFinestBytes);
  if (fine >= static_cast<std::uint64_t>(kMeanBytes)) return;
  zoom = static_cast<std::uint32_t>(fine);
  ++sampler.zoomed_endpoints;
}

}  // namespace heapledger::engine
