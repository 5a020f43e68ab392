// The owners' half of LedgerView: what the slots say, alone and summed.
#include <algorithm>
#include <map>
#include <tuple>

#include "ledger/ledger_view.h"
#include "ledger/owner_copy.h"

namespace heapledger::ledger {
namespace {

std::uint64_t relaxed(const std::atomic<std::uint64_t>& value) noexcept {
  return value.load(std::memory_order_relaxed);
}

std::int64_t wrapping_subtract(std::int64_t a, std::int64_t b) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

std::int64_t wrapping_add(std::int64_t a, std::int64_t b) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

std::uint64_t allocated_of(const HotBank& hot, const OffGilBank& off_gil) noexcept {
  return hot.allocated_bytes + relaxed(off_gil.allocated_bytes);
}

std::uint64_t peak_of(const HotBank& hot, const OffGilBank& off_gil) noexcept {
  const std::int64_t off_gil_live = off_gil.live_bytes.load(std::memory_order_relaxed);
  const std::int64_t hot_peak = wrapping_subtract(hot.threshold, std::min(hot.min_room, hot.room));
  const std::int64_t open = wrapping_add(hot_peak, std::max<std::int64_t>(off_gil_live, 0));
  return std::max(
      {hot.peak_bytes, static_cast<std::uint64_t>(std::max<std::int64_t>(open, 0)), relaxed(off_gil.peak_bytes)});
}

std::optional<TotalKind> total_kind(const Owner& owner) noexcept {
  switch (owner.kind) {
    case OwnerKind::kService:
      return TotalKind::kService;
    case OwnerKind::kImport:
      return TotalKind::kImport;
    case OwnerKind::kRequest:
      return owner.state == OwnerState::kOpen ? TotalKind::kOpen : TotalKind::kRequest;
    case OwnerKind::kTenured:
      return TotalKind::kTenured;
    case OwnerKind::kConnection:
      return TotalKind::kConnection;
    case OwnerKind::kInherited:
      return TotalKind::kInherited;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::uint32_t LedgerView::slots_in_use() const noexcept {
  const std::uint32_t mark = ledger_->header.owner_high_water.load(std::memory_order_acquire);
  return mark < kOwnerSlots ? mark + 1 : kOwnerSlots;
}

Owner LedgerView::read_owner(std::uint32_t id) const {
  Copy<OwnerRecord> copy;
  Owner owner;
  owner.torn = !take_record(ledger_->owners[id], copy);
  const OwnerRecord& record = *copy;
  const Copy<HotBank> hot(ledger_->hot[id]);
  const Copy<OffGilBank> off_gil(ledger_->off_gil[id]);
  owner.kind = record.kind;
  owner.state = record.state;
  owner.endpoint = record.endpoint;
  owner.name = {record.name_offset, record.name_bytes};
  owner.sequence = record.sequence;
  owner.started_unix_ns = record.started_unix_ns;
  owner.allocated_bytes = allocated_of(*hot, *off_gil);
  owner.live_bytes =
      wrapping_add(wrapping_subtract(hot->threshold, hot->room), off_gil->live_bytes.load(std::memory_order_relaxed));
  owner.peak_bytes = peak_of(*hot, *off_gil);
  owner.ordinal = record.ordinal;
  owner.aged = (record.flags & kOwnerAged) != 0;
  return owner;
}

void LedgerView::for_each_owner(const std::function<void(const Owner&)>& visit) const {
  const std::uint32_t end = slots_in_use();
  for (std::uint32_t id = kOwnerService; id < end; ++id) {
    const Owner owner = read_owner(id);
    if (owner.state != OwnerState::kFree) visit(owner);
  }
}

std::vector<FinishedRequest> LedgerView::responded_requests() const {
  std::vector<FinishedRequest> requests;
  const std::uint32_t end = slots_in_use();
  for (std::uint32_t id = kOwnerService; id < end; ++id) {
    Copy<OwnerRecord> copy;
    if (!take_record(ledger_->owners[id], copy)) continue;
    const OwnerRecord& record = *copy;
    const bool row_due = record.state == OwnerState::kResponded && record.kind == OwnerKind::kRequest;
    if (!row_due || (record.flags & kOwnerDiscarded) != 0) continue;
    const EndSnapshot& end_snapshot = record.at_end;
    const std::uint64_t allocated = read_owner(id).allocated_bytes;
    FinishedRequest request;
    request.endpoint = record.endpoint;
    request.sequence = record.sequence;
    request.started_unix_ns = record.started_unix_ns;
    request.duration_ns = end_snapshot.duration_ns;
    request.status = end_snapshot.status;
    request.flags = end_snapshot.flags;
    request.received_bytes = record.received_bytes;
    request.sent_bytes = record.sent_bytes;
    request.in_flight_at_start = record.in_flight_at_start;
    request.in_flight_peak = record.in_flight_at_start;
    request.allocated_bytes = end_snapshot.allocated_bytes;
    request.allocations = end_snapshot.allocations;
    request.peak_bytes = end_snapshot.peak_bytes;
    request.escaped_bytes = end_snapshot.escaped_bytes;
    request.isolated_bytes = end_snapshot.isolated_bytes;
    request.adopted_bytes = record.adopted_bytes;
    request.native_allocated_bytes = record.native_allocated_bytes;
    request.native_peak_bytes = record.native_peak_bytes;
    request.byte_seconds = finite(record.byte_seconds);
    request.running_ns = record.running_ns;
    request.after_response_bytes = allocated - std::min(allocated, end_snapshot.allocated_bytes);
    requests.push_back(request);
  }
  return requests;
}

std::vector<OwnerTotal> LedgerView::owner_totals() const {
  std::map<std::tuple<TotalKind, std::uint32_t, std::string>, OwnerTotal> sums;
  for_each_owner([&](const Owner& owner) {
    const std::optional<TotalKind> kind = total_kind(owner);
    if (!kind) return;
    const bool by_endpoint =
        *kind != TotalKind::kService && *kind != TotalKind::kImport && *kind != TotalKind::kConnection;
    const bool by_name = *kind == TotalKind::kImport;
    OwnerTotal& sum = sums[{*kind, by_endpoint ? owner.endpoint : 0, by_name ? text(owner.name) : std::string()}];
    sum.kind = *kind;
    sum.endpoint = by_endpoint ? owner.endpoint : 0;
    if (by_name) sum.name = owner.name;
    ++sum.owners;
    sum.allocated_bytes += owner.allocated_bytes;
    sum.live_bytes = wrapping_add(sum.live_bytes, owner.live_bytes);
  });
  std::vector<OwnerTotal> totals;
  totals.reserve(sums.size() + 1);
  for (const auto& [key, sum] : sums) totals.push_back(sum);
  OwnerTotal retired;
  retired.kind = TotalKind::kRetired;
  retired.owners = __atomic_load_n(&ledger_->header.retired_owners, __ATOMIC_RELAXED);
  retired.allocated_bytes = __atomic_load_n(&ledger_->header.retired_allocated_bytes, __ATOMIC_RELAXED);
  totals.push_back(retired);
  return totals;
}

std::vector<Owner> LedgerView::open_requests() const {
  std::vector<Owner> open;
  for_each_owner([&](const Owner& owner) {
    if (owner.kind == OwnerKind::kRequest && owner.state == OwnerState::kOpen) open.push_back(owner);
  });
  std::sort(open.begin(), open.end(), [](const Owner& a, const Owner& b) { return a.sequence < b.sequence; });
  return open;
}

ProcessTotals LedgerView::totals() const {
  ProcessTotals totals;
  totals.allocated_bytes = __atomic_load_n(&ledger_->header.retired_allocated_bytes, __ATOMIC_RELAXED);
  for_each_owner([&](const Owner& owner) {
    totals.allocated_bytes += owner.allocated_bytes;
    totals.live_bytes = wrapping_add(totals.live_bytes, owner.live_bytes);
    if (owner.torn) ++totals.torn_owners;
    if (owner.kind == OwnerKind::kService || owner.kind == OwnerKind::kImport) {
      totals.unattributed_bytes += owner.allocated_bytes;
    }
  });
  return totals;
}

std::int64_t LedgerView::live_bytes() const noexcept {
  std::int64_t live = 0;
  const std::uint32_t end = slots_in_use();
  for (std::uint32_t id = kOwnerService; id < end; ++id) {
    const auto state =
        __atomic_load_n(reinterpret_cast<const std::uint8_t*>(&ledger_->owners[id].state), __ATOMIC_RELAXED);
    if (state == static_cast<std::uint8_t>(OwnerState::kFree)) continue;
    const HotBank& hot = ledger_->hot[id];
    const std::int64_t threshold = __atomic_load_n(&hot.threshold, __ATOMIC_RELAXED);
    const std::int64_t room = __atomic_load_n(&hot.room, __ATOMIC_RELAXED);
    live = wrapping_add(live, wrapping_subtract(threshold, room));
    live = wrapping_add(live, ledger_->off_gil[id].live_bytes.load(std::memory_order_relaxed));
  }
  return live;
}

}  // namespace heapledger::ledger
