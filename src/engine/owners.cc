#include "engine/owners.h"

#include <algorithm>
#include <cstring>

#include "base/clock.h"
#include "engine/books.h"

namespace heapledger::engine {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr std::int64_t kFirstStepBytes = std::int64_t{8} * 1024;
constexpr std::uint32_t kImportOwnersAtMost = 1024;
constexpr std::size_t kLongestStringBytes = 1024;
// More than the methods that adapters tell apart: each has an <other>, and so has what is beyond even those.
constexpr std::uint32_t kEndpointsKeptForOther = 64;
constexpr std::uint32_t kEndpointsKeptForTheRest = 1;
constexpr std::size_t kStringBytesKeptForOther = 2048;
constexpr std::size_t kStringBytesKeptForTheRest = 16;
constexpr std::string_view kOtherRoute = "<other>";
constexpr std::string_view kOtherMethod = "OTHER";
static_assert(kOtherMethod.size() + kOtherRoute.size() <= kStringBytesKeptForTheRest);

void lay_out(Engine& e, OwnerId owner, OwnerKind kind) noexcept {
  HotBank& bank = hot(e, owner);
  bank = HotBank{};
  bank.threshold = kFirstStepBytes;
  bank.room = kFirstStepBytes;
  bank.min_room = kFirstStepBytes;
  bank.width = static_cast<std::uint64_t>(kFirstStepBytes);
  bank.synced_ns = base::monotonic_ns();

  ledger::OffGilBank& outside = e.ledger.off_gil[owner.raw()];
  outside.live_bytes.store(0, kRelaxed);
  outside.allocated_bytes.store(0, kRelaxed);
  outside.allocations.store(0, kRelaxed);
  outside.peak_bytes.store(0, kRelaxed);
  outside.folded_live_bytes = 0;
  outside.native_live_bytes.store(0, kRelaxed);
  outside.native_allocated_bytes.store(0, kRelaxed);
  outside.native_peak_bytes.store(0, kRelaxed);

  OwnerRecord& who = record(e, owner);
  const std::uint32_t generation = who.generation | 1U;
  __atomic_store_n(&who.generation, generation, __ATOMIC_RELEASE);  // odd: being rewritten
  who = OwnerRecord{};
  who.generation = generation;
  who.kind = kind;
  who.state = OwnerState::kOpen;
  who.started_ns = bank.synced_ns;
  __atomic_store_n(&who.generation, generation + 1, __ATOMIC_RELEASE);
}

std::string_view text_of(const Engine& e, std::uint32_t offset, std::size_t bytes) noexcept {
  return {e.ledger.strings + offset, bytes};
}

bool same_endpoint(const Engine& e, const ledger::EndpointRecord& row, const EndpointName& name) noexcept {
  return (row.deprecated != 0) == name.deprecated && text_of(e, row.route_offset, row.route_bytes) == name.route &&
         text_of(e, row.method_offset, row.method_bytes) == name.method &&
         text_of(e, row.version_offset, row.version_bytes) == name.version;
}

std::string_view cut(std::string_view text) noexcept {
  if (text.size() <= kLongestStringBytes) return text;
  std::size_t end = kLongestStringBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

EndpointId find_endpoint(const Engine& e, const EndpointName& name) noexcept {
  const std::uint32_t count = e.ledger.header.endpoint_count.load(kRelaxed);
  for (std::uint32_t id = 1; id < count; ++id) {
    if (same_endpoint(e, e.ledger.endpoints[id], name)) return EndpointId{id};
  }
  return EndpointId{0};
}

// EndpointId{0}: the table or the string heap is full but for what is kept.
EndpointId add_endpoint(Engine& e, const EndpointName& name, std::uint32_t kept_slots,
                        std::size_t kept_bytes) noexcept {
  std::atomic<std::uint32_t>& count = e.ledger.header.endpoint_count;
  const std::uint32_t id = std::max<std::uint32_t>(1, count.load(kRelaxed));
  const std::size_t wanted = name.method.size() + name.route.size() + name.version.size();
  const bool no_slot = id + kept_slots >= ledger::kEndpointSlots;
  if (no_slot || e.ledger.header.string_bytes.load(kRelaxed) + wanted + kept_bytes > ledger::kStringHeapBytes) {
    return EndpointId{0};
  }
  const StringRef method = intern_string(e, name.method);
  const StringRef route = intern_string(e, name.route);
  const StringRef version = intern_string(e, name.version);
  ledger::EndpointRecord& row = e.ledger.endpoints[id];
  row = {method.offset,
         route.offset,
         version.offset,
         method.bytes,
         route.bytes,
         version.bytes,
         static_cast<std::uint16_t>(name.deprecated ? 1 : 0),
         0,
         0,
         0};
  count.store(id + 1, std::memory_order_release);  // acquire: LedgerView reads rows below the count only
  return EndpointId{id};
}

}  // namespace

void prepare_owners(Engine& e) noexcept {
  std::atomic<std::uint32_t>& high_water = e.ledger.header.owner_high_water;
  if (high_water.load(kRelaxed) > ledger::kOwnerService) return;
  high_water.store(ledger::kOwnerService + 1, std::memory_order_release);
  lay_out(e, OwnerId{ledger::kOwnerService}, OwnerKind::kService);
}

OwnerId take_owner(Engine& e, OwnerKind kind) noexcept {
  std::uint16_t id = 0;
  std::atomic<std::uint32_t>& high_water = e.ledger.header.owner_high_water;
  if (e.free_owner_count > 0) {
    id = e.free_owners[--e.free_owner_count];
  } else {
    const std::uint32_t next = high_water.load(kRelaxed);
    if (next >= ledger::kOwnerSlots) return OwnerId{0};
    id = static_cast<std::uint16_t>(next);
  }
  lay_out(e, OwnerId{id}, kind);
  if (id >= high_water.load(kRelaxed)) high_water.store(id + 1U, std::memory_order_release);
  return OwnerId{id};
}

void recycle(Engine& e, OwnerId owner) noexcept {
  OwnerRecord& who = record(e, owner);
  ledger::OffGilBank& outside = e.ledger.off_gil[owner.raw()];
  ledger::Header& header = e.ledger.header;
  header.retired_allocated_bytes += hot(e, owner).allocated_bytes + outside.allocated_bytes.load(kRelaxed);
  header.retired_allocations += hot(e, owner).allocations + outside.allocations.load(kRelaxed);
  header.retired_owners += 1;
  e.process_level_bytes -= who.recorded_level_bytes;
  if (e.ended_owners > 0) --e.ended_owners;
  const std::uint32_t generation = who.generation | 1U;
  __atomic_store_n(&who.generation, generation, __ATOMIC_RELEASE);
  who.state = OwnerState::kFree;
  who.recorded_level_bytes = 0;
  hot(e, owner).allocated_bytes = 0;
  hot(e, owner).allocations = 0;
  outside.allocated_bytes.store(0, kRelaxed);
  outside.allocations.store(0, kRelaxed);
  __atomic_store_n(&who.generation, generation + 1, __ATOMIC_RELEASE);
  for (std::uint32_t i = 0; i < e.pending_count; ++i) {
    if (e.pending[i].owner == owner.raw()) e.pending[i] = e.pending[--e.pending_count];
  }
  if (e.current.owner == owner.raw()) {
    forget_current(e);
    e.current.owner = kNobody;
  }
  e.free_owners[e.free_owner_count++] = owner.raw();
}

OwnerId tenured_owner(Engine& e, EndpointId endpoint) noexcept {
  const OwnerId service{ledger::kOwnerService};
  if (endpoint.raw() >= ledger::kEndpointSlots) return service;
  ledger::EndpointRecord& row = e.ledger.endpoints[endpoint.raw()];
  if (row.tenured_owner == 0) {
    const OwnerId fresh = take_owner(e, OwnerKind::kTenured);
    if (fresh.raw() == 0) return service;
    record(e, fresh).endpoint = endpoint.raw();
    row.tenured_owner = fresh.raw();
  }
  return OwnerId{static_cast<std::uint16_t>(row.tenured_owner)};
}

OwnerId import_owner(Engine& e, std::string_view module) noexcept {
  const OwnerId service{ledger::kOwnerService};
  for (std::uint32_t i = 0; i < e.import_owner_count; ++i) {
    const OwnerRecord& who = e.ledger.owners[e.import_owners[i]];
    if (text_of(e, who.name_offset, who.name_bytes) == module) return OwnerId{e.import_owners[i]};
  }
  if (e.import_owner_count == kImportOwnersAtMost) return service;
  const StringRef name = intern_string(e, module);
  if (name.bytes == 0) return service;
  const OwnerId fresh = take_owner(e, OwnerKind::kImport);
  if (fresh.raw() == 0) return service;
  record(e, fresh).name_offset = name.offset;
  record(e, fresh).name_bytes = name.bytes;
  e.import_owners[e.import_owner_count++] = fresh.raw();
  return fresh;
}

StringRef intern_string(Engine& e, std::string_view text) noexcept {
  text = cut(text);
  if (text.empty()) return {};
  std::atomic<std::uint32_t>& used = e.ledger.header.string_bytes;
  const std::uint32_t at = used.load(kRelaxed);
  if (at + text.size() > ledger::kStringHeapBytes) return {};
  std::memcpy(e.ledger.strings + at, text.data(), text.size());
  used.store(at + static_cast<std::uint32_t>(text.size()), std::memory_order_release);
  return {at, static_cast<std::uint16_t>(text.size())};
}

EndpointId intern_endpoint(Engine& e, const EndpointName& asked) noexcept {
  const EndpointName name{cut(asked.method), cut(asked.route), cut(asked.version), asked.deprecated};
  EndpointId id = find_endpoint(e, name);
  if (id.raw() != 0) return id;
  id = add_endpoint(e, name, kEndpointsKeptForOther, kStringBytesKeptForOther);
  if (id.raw() != 0) return id;
  e.ledger.header.folded_endpoints.fetch_add(1, kRelaxed);
  const EndpointName other{name.method, kOtherRoute, "", false};
  id = find_endpoint(e, other);
  if (id.raw() == 0) id = add_endpoint(e, other, kEndpointsKeptForTheRest, kStringBytesKeptForTheRest);
  if (id.raw() != 0) return id;
  const EndpointName rest{kOtherMethod, kOtherRoute, "", false};
  id = find_endpoint(e, rest);
  return id.raw() != 0 ? id : add_endpoint(e, rest, 0, 0);
}

}  // namespace heapledger::engine
