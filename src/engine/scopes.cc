#include "engine/scopes.h"

#include <algorithm>

#include "base/clock.h"
#include "engine/books.h"
#include "engine/fork.h"
#include "engine/in_flight.h"
#include "engine/measure.h"
#include "engine/owners.h"
#include "engine/phases.h"
#include "engine/request_ring.h"
#include "engine/survivors.h"
#include "engine/tenure.h"
#include "ledger/layout_body.h"

namespace heapledger::engine {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

StringRef content_type(Engine& e, std::string_view name) noexcept {
  if (name.empty()) return {};
  for (std::uint32_t i = 0; i < e.content_type_count; ++i) {
    const std::string_view known{e.ledger.strings + e.content_type_offsets[i], e.content_type_bytes[i]};
    if (known == name) return {e.content_type_offsets[i], e.content_type_bytes[i]};
  }
  if (e.content_type_count == std::size(e.content_type_bytes)) return {};
  const StringRef added = intern_string(e, name);
  if (added.bytes == 0) return {};
  e.content_type_offsets[e.content_type_count] = added.offset;
  e.content_type_bytes[e.content_type_count++] = added.bytes;
  return added;
}

std::uint64_t floor_zero(std::int64_t value) noexcept {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, value));
}

std::uint64_t allocated_bytes(Engine& e, OwnerId owner) noexcept {
  return hot(e, owner).allocated_bytes + e.ledger.off_gil[owner.raw()].allocated_bytes.load(kRelaxed);
}

void snapshot_end(Engine& e, OwnerId owner, const Outcome& outcome, std::uint64_t now_ns) noexcept {
  OwnerRecord& who = record(e, owner);
  const bool has_phases = finish_phases(e, owner, now_ns);
  const ledger::OffGilBank& outside = e.ledger.off_gil[owner.raw()];
  who.native_allocated_bytes = outside.native_allocated_bytes.load(kRelaxed);
  who.native_peak_bytes = outside.native_peak_bytes.load(kRelaxed);
  const std::int64_t live = live_bytes(e, owner);
  const std::uint64_t allocated = allocated_bytes(e, owner);
  who.at_end = {
      .duration_ns = now_ns - who.started_ns,
      .allocated_bytes = allocated,
      .allocations = hot(e, owner).allocations + outside.allocations.load(kRelaxed),
      .peak_bytes = peak_bytes(e, owner),
      .escaped_bytes = floor_zero(live),
      .isolated_bytes =
          floor_zero(static_cast<std::int64_t>(allocated) - live - static_cast<std::int64_t>(who.foreign_freed_bytes)),
      .status = outcome.status,
      .flags = outcome.flags | ((who.flags & ledger::kOwnerApproximate) != 0 ? ledger::kRequestApproximate : 0) |
               (has_phases ? ledger::kRequestPhases : 0) | (was_held(e, owner) ? ledger::kRequestHeldIn : 0)};
}

// What was freed between end() and leave() did not outlive the request: its last frames held it.
void settle_escaped(Engine& e, OwnerId owner) noexcept {
  ledger::EndSnapshot& end = record(e, owner).at_end;
  const std::uint64_t live = floor_zero(live_bytes(e, owner));
  if (live >= end.escaped_bytes) return;
  end.isolated_bytes += end.escaped_bytes - live;
  end.escaped_bytes = live;
}

void write_payload(const Engine& e, OwnerId owner, const Outcome& outcome, ledger::RingRecord& row) noexcept {
  row.request_encoding = outcome.request_encoding;
  row.response_encoding = outcome.response_encoding;
  for (std::uint32_t i = 0; i < ledger::kPhases; ++i) {
    row.phases[i] = ledger::PackedPhase::of(phase_figures(e, owner, static_cast<ledger::Phase>(i)));
  }
}

void write_row(Engine& e, OwnerId owner, const Outcome& outcome) noexcept {
  const OwnerRecord& who = record(e, owner);
  std::uint64_t index = 0;
  e.ledger.header.finished_requests.fetch_add(1, kRelaxed);
  ledger::RingRecord* row = reserve_record(e, index);
  if (row == nullptr) return;
  const StringRef request_type = content_type(e, outcome.request_type);
  const StringRef response_type = content_type(e, outcome.response_type);
  row->kind = ledger::RecordKind::kRequest;
  row->endpoint = who.endpoint;
  row->sequence = who.sequence;
  row->started_unix_ns = who.started_unix_ns;
  row->duration_ns = who.at_end.duration_ns;
  row->status = who.at_end.status;
  row->flags = who.at_end.flags;
  row->received_bytes = outcome.received_bytes;
  row->sent_bytes = outcome.sent_bytes;
  row->in_flight_at_start = who.in_flight_at_start;
  row->in_flight_peak = in_flight_peak_since(e, who.sequence, who.in_flight_at_start);
  row->allocated_bytes = who.at_end.allocated_bytes;
  row->allocations = who.at_end.allocations;
  row->peak_bytes = who.at_end.peak_bytes;
  row->escaped_bytes = who.at_end.escaped_bytes;
  row->isolated_bytes = who.at_end.isolated_bytes;
  row->adopted_bytes = who.adopted_bytes;
  row->native_allocated_bytes = who.native_allocated_bytes;
  row->native_peak_bytes = who.native_peak_bytes;
  row->byte_seconds = who.byte_seconds;
  row->running_ns = who.running_ns;
  row->after_response_bytes = allocated_bytes(e, owner) - who.at_end.allocated_bytes;
  row->request_type_offset = request_type.offset;
  row->response_type_offset = response_type.offset;
  row->curve = e.curves[owner.raw()].levels;
  row->peak_percent = e.curves[owner.raw()].peak_percent;
  row->request_type_bytes = request_type.bytes;
  row->response_type_bytes = response_type.bytes;
  write_payload(e, owner, outcome, *row);
  commit_record(*row, index);
}

void link_open(Engine& e, OwnerId owner) noexcept {
  OwnerRecord& who = record(e, owner);
  who.previous_open = 0;
  who.next_open = e.first_open;
  if (e.first_open != 0) e.ledger.owners[e.first_open].previous_open = owner.raw();
  e.first_open = owner.raw();
}

void unlink_open(Engine& e, OwnerId owner) noexcept {
  OwnerRecord& who = record(e, owner);
  if (who.previous_open != 0) {
    e.ledger.owners[who.previous_open].next_open = who.next_open;
  } else {
    e.first_open = who.next_open;
  }
  if (who.next_open != 0) e.ledger.owners[who.next_open].previous_open = who.previous_open;
  who.next_open = who.previous_open = 0;
}

}  // namespace

Scope begin_request(Engine& e) noexcept {
  if (!e.active || e.frozen) return {};
  open_own_ledger(e);
  ledger::Header& header = e.ledger.header;
  const std::uint64_t sequence = header.started_requests.fetch_add(1, kRelaxed) + 1;
  const OwnerId owner = take_owner(e, OwnerKind::kRequest);
  if (owner.raw() == 0) {
    header.approximate_requests.fetch_add(1, kRelaxed);
    return {};
  }
  OwnerRecord& who = record(e, owner);
  who.sequence = sequence;
  who.started_unix_ns = base::unix_ns();
  who.in_flight_at_start = header.in_flight.fetch_add(1, kRelaxed) + 1;
  note_in_flight(e, sequence, who.in_flight_at_start);
  begin_curve(e, owner);
  begin_phases(e, owner, who.started_ns);
  link_open(e, owner);
  return {who.generation, owner.raw()};
}

void set_endpoint(Engine& e, Scope scope, EndpointId endpoint) noexcept {
  if (!is_current_life(e, scope) || record(e, OwnerId{scope.owner}).kind != OwnerKind::kRequest) return;
  record(e, OwnerId{scope.owner}).endpoint = endpoint.raw();
  if (e.current.owner == scope.owner && samples_unusually(e.sampler)) retune(e, scope.owner);
}

void end_request(Engine& e, Scope scope, const Outcome& outcome) noexcept {
  if (!is_open(e, scope) || e.frozen) return;
  const OwnerId owner{scope.owner};
  OwnerRecord& who = record(e, owner);
  if (who.kind != OwnerKind::kRequest) return;
  who.received_bytes = outcome.received_bytes;
  who.sent_bytes = outcome.sent_bytes;
  HotBank& bank = hot(e, owner);
  const std::uint64_t now_ns = base::monotonic_ns();
  if (e.current.owner == owner.raw()) {
    who.running_ns += now_ns - e.resumed_ns;
    e.resumed_ns = now_ns;
  }
  fold(e, owner, gil_live(bank));
  snapshot_end(e, owner, outcome, now_ns);
  finish_curve(e, owner);
  who.state = OwnerState::kResponded;
  e.ledger.header.in_flight.fetch_sub(1, kRelaxed);
}

void discard_request(Engine& e, Scope scope) noexcept {
  if (!is_open(e, scope) || e.frozen) return;
  OwnerRecord& who = record(e, OwnerId{scope.owner});
  if (who.kind != OwnerKind::kRequest) return;
  unlink_open(e, OwnerId{scope.owner});
  e.ledger.header.in_flight.fetch_sub(1, kRelaxed);
  who.kind = OwnerKind::kService;
  __atomic_store_n(&who.flags, static_cast<std::uint16_t>(who.flags | ledger::kOwnerDiscarded), __ATOMIC_RELAXED);
  who.endpoint = ledger::kEndpointUnknown;
}

void leave_request(Engine& e, Scope scope, const Outcome& outcome) noexcept {
  if (!is_current_life(e, scope) || e.frozen) return;
  const OwnerId owner{scope.owner};
  OwnerRecord& who = record(e, owner);
  const bool discarded = (who.flags & ledger::kOwnerDiscarded) != 0;
  if (discarded ? who.state != OwnerState::kOpen : who.kind != OwnerKind::kRequest) return;
  if (!discarded) {
    if (who.state == OwnerState::kOpen) end_request(e, scope, outcome);
    if (who.state != OwnerState::kResponded) return;
    settle_escaped(e, owner);
    begin_survival(e, owner);
    write_row(e, owner, outcome);
    unlink_open(e, owner);
  }
  settle_samples(e, owner);
  who.state = OwnerState::kEnded;
  ++e.ended_owners;
  forget_current(e);
  fold(e, owner, gil_live(hot(e, owner)));  // recycles it when nothing is left
  look_for_growth(e, owner);
  tenure_step(e);
  sample_if_due(e);
}

OwnerId owner_of(Engine& e, Scope scope, EndpointId endpoint) noexcept {
  if (is_current_life(e, scope) && record(e, OwnerId{scope.owner}).state != OwnerState::kSweeping) {
    return OwnerId{scope.owner};
  }
  return tenured_owner(e, endpoint);
}

}  // namespace heapledger::engine
