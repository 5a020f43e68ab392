// What outlived its request, and where it was allocated: the halves of LedgerView that leaks are found in.
#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <utility>

#include "ledger/ledger_view.h"
#include "ledger/shared_copy.h"

namespace heapledger::ledger {
namespace {

constexpr std::uint64_t kFineBytes = 512;
constexpr std::uint32_t kFineClasses = 32;
constexpr std::uint32_t kSizeClasses = kFineClasses + 40;

// The largest block of a size class (engine/survivors.h).
std::uint64_t block_bytes_of(std::uint32_t size_class) noexcept {
  if (size_class < kFineClasses) return std::uint64_t{16} * (size_class + 1);
  return (kFineBytes * 2) << (size_class - kFineClasses);
}

// Runs as long as the writer's would be by now: it lengthens them at its next sweep only.
std::uint64_t run_of(const Life& life) noexcept {
  constexpr std::uint64_t kLongest = std::uint64_t{1} << 58;
  const std::uint64_t needed = std::bit_ceil(std::min((life.requests + kCohorts - 1) / kCohorts, kLongest));
  std::uint64_t run = life.cohort_requests != 0 ? life.cohort_requests : std::max<std::uint64_t>(needed, 1);
  while (run < kLongest && run * kCohorts < life.requests) run *= 2;
  return run;
}

}  // namespace

std::vector<Life> LedgerView::lives() const {
  std::vector<Life> lives;
  for (std::uint32_t endpoint = 0; endpoint < kEndpointSlots; ++endpoint) {
    const Copy<LifeRecord> copy(ledger_->lives[endpoint]);
    if (copy->requests == 0) continue;
    const auto relaxed = [](const std::atomic<std::uint64_t>& value) { return value.load(std::memory_order_relaxed); };
    Life life;
    life.endpoint = endpoint;
    life.requests = copy->requests;
    life.cohort_requests = copy->cohort_requests;
    life.freed_bytes = relaxed(copy->freed_bytes);
    life.oldest_free_requests = relaxed(copy->oldest_free_requests);
    life.first_aged_free_request = relaxed(copy->first_aged_free_request);
    life.last_aged_free_request = relaxed(copy->last_aged_free_request);
    for (std::uint32_t bin = 0; bin < kAgeBins; ++bin)
      life.freed_by_age_bytes[bin] = relaxed(copy->freed_by_age_bytes[bin]);
    lives.push_back(life);
  }
  return lives;
}

std::vector<Cohort> LedgerView::cohorts_by_size(const std::map<std::uint32_t, Life>& lives) const {
  std::vector<Cohort> cohorts;
  for (const CohortCell& shared : ledger_->cohort_cells) {
    const Copy<CohortCell> cell(shared);
    const std::uint64_t key = cell->key.load(std::memory_order_relaxed);
    const auto life = lives.find(static_cast<std::uint32_t>(key >> 32));
    const std::uint64_t number = key >> 16 & 0xFFFFU;
    const auto size_class = static_cast<std::uint32_t>(key & 0xFFFFU);
    if (key == 0 || life == lives.end() || number >= kCohorts || size_class == 0 || size_class > kSizeClasses) continue;
    const std::uint64_t run = run_of(life->second);
    Cohort cohort;
    cohort.endpoint = life->first;
    cohort.first_request = number * run + 1;
    cohort.last_request = std::min((number + 1) * run, life->second.requests);
    cohort.block_bytes = block_bytes_of(size_class - 1);
    cohort.live_bytes = static_cast<std::int64_t>(cell->live_bytes);
    cohort.live_blocks = cell->live_blocks;
    if (cohort.first_request <= cohort.last_request) cohorts.push_back(cohort);
  }
  return cohorts;
}

std::vector<Cohort> LedgerView::cohorts_by_owner(const std::map<std::uint32_t, Life>& lives) const {
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::int64_t> sums;
  for_each_owner([&](const Owner& owner) {
    const bool survivors = owner.kind == OwnerKind::kTenured || owner.kind == OwnerKind::kRequest;
    const auto life = lives.find(owner.endpoint);
    if (!survivors || !owner.aged || owner.ordinal == 0 || life == lives.end()) return;
    const std::uint64_t run = run_of(life->second);
    std::int64_t& sum = sums[{owner.endpoint, (owner.ordinal - 1) / run}];
    if (__builtin_add_overflow(sum, owner.live_bytes, &sum)) sum = 0;  // torn or hostile
  });
  std::vector<Cohort> cohorts;
  for (const auto& [key, live] : sums) {
    const Life& life = lives.at(key.first);
    const std::uint64_t run = run_of(life);
    Cohort cohort;
    cohort.endpoint = key.first;
    cohort.first_request = key.second * run + 1;
    cohort.last_request = std::min((key.second + 1) * run, life.requests);
    cohort.live_bytes = live;
    if (cohort.first_request <= cohort.last_request && live != 0) cohorts.push_back(cohort);
  }
  return cohorts;
}

std::vector<Cohort> LedgerView::cohorts() const {
  std::map<std::uint32_t, Life> lives_by_endpoint;
  for (const Life& life : lives()) lives_by_endpoint[life.endpoint] = life;
  return state() == ProcessState::kFrozen ? cohorts_by_size(lives_by_endpoint) : cohorts_by_owner(lives_by_endpoint);
}

std::vector<Flow> LedgerView::flows() const {
  std::vector<Flow> flows;
  for (const FlowCell& shared : ledger_->flows) {
    const Copy<FlowCell> cell(shared);
    const std::uint64_t key = cell->key.load(std::memory_order_relaxed);
    if (key == 0) continue;
    flows.push_back({static_cast<std::uint32_t>((key >> 32) - 1), static_cast<std::uint32_t>((key & 0xFFFFFFFFU) - 1),
                     cell->bytes.load(std::memory_order_relaxed), cell->blocks.load(std::memory_order_relaxed)});
  }
  return flows;
}

std::string LedgerView::place_text(std::uint32_t offset, std::uint32_t bytes) const {
  if (offset > kPlaceStringBytes || bytes > kPlaceStringBytes - offset) return {};
  return std::string(ledger_->place_strings + offset, bytes);
}

std::optional<Stack> LedgerView::stack(std::uint32_t id) const {
  // Acquire: pairs with the writer's release after the record was written.
  const std::uint32_t count = std::min(ledger_->header.stack_count.load(std::memory_order_acquire), kStacks);
  if (id == 0 || id > count) return std::nullopt;
  const std::uint32_t places = std::min(ledger_->header.place_count.load(std::memory_order_acquire), kPlaces);
  const Copy<StackRecord> copy(ledger_->stacks[id - 1]);
  Stack stack;
  stack.truncated = (copy->flags & kStackTruncated) != 0;
  for (std::uint32_t i = 0; i < std::min<std::uint32_t>(copy->depth, kStackPlaces); ++i) {
    const std::uint32_t place = copy->places[i];
    if (place == 0 || place > places) return std::nullopt;
    PlaceRecord record;
    std::memcpy(&record, &ledger_->places[place - 1], sizeof record);  // immutable once published
    stack.places.push_back({place_text(record.function_offset, record.function_bytes),
                            place_text(record.file_offset, record.file_bytes), record.line});
  }
  return stack.places.empty() ? std::nullopt : std::optional(stack);
}

std::vector<Site> LedgerView::sites() const {
  const std::uint32_t count = std::min(ledger_->header.site_count.load(std::memory_order_acquire), kSites);
  std::vector<Site> sites;
  for (std::uint32_t i = 0; i < count; ++i) {
    const Copy<SiteRecord> copy(ledger_->sites[i]);
    Site site;
    site.endpoint = copy->endpoint;
    site.stack = copy->stack;
    site.samples = copy->samples;
    site.allocated_bytes = finite(copy->allocated_bytes);
    site.peak_bytes = finite(copy->peak_bytes);
    site.retained_bytes = std::max(0.0, finite(copy->retained_bytes));
    site.retained_blocks = std::max(0.0, finite(copy->retained_blocks));
    site.retained_samples = copy->retained_samples;
    sites.push_back(site);
  }
  return sites;
}

}  // namespace heapledger::ledger
