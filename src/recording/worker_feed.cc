#include "recording/worker_feed.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "recording/process_table.h"
#include "recording/saturating.h"
#include "recording/segment_reader.h"
#include "recording/text.h"

namespace heapledger::recording {
namespace {

constexpr std::size_t kDrainAtOnce = ledger::kRingRecords;

// What a collector can have committed without giving its ring places back is one ring at most.
constexpr std::int64_t kSequencesToCompare = std::int64_t{2} * ledger::kRingRecords;

OwnerTotalKind stored_kind(ledger::TotalKind kind) noexcept {
  switch (kind) {
    case ledger::TotalKind::kService:
      return OwnerTotalKind::kService;
    case ledger::TotalKind::kImport:
      return OwnerTotalKind::kImport;
    case ledger::TotalKind::kRequest:
      return OwnerTotalKind::kRequest;
    case ledger::TotalKind::kOpen:
      return OwnerTotalKind::kOpen;
    case ledger::TotalKind::kTenured:
      return OwnerTotalKind::kTenured;
    case ledger::TotalKind::kConnection:
      return OwnerTotalKind::kConnection;
    case ledger::TotalKind::kInherited:
      return OwnerTotalKind::kInherited;
    case ledger::TotalKind::kRetired:
      return OwnerTotalKind::kRetired;
  }
  return OwnerTotalKind::kRetired;
}

}  // namespace

WorkerFeed::WorkerFeed(std::string path, std::unique_ptr<ledger::LedgerView> view)
    : path_(std::move(path)),
      view_(std::move(view)),
      process_(view_->counters().pid, view_->counters().process_start_ticks),
      native_(view_->counters().native) {}

std::int64_t WorkerFeed::since_start_us(std::uint64_t unix_ns) const noexcept {
  return saturating_subtract(stored_time(unix_ns), recording_started_ns_) / 1000;
}

void WorkerFeed::enter(Store& store, const WorkerRow* known) {
  recording_started_ns_ = store.started_unix_ns();
  const ledger::Counters counters = view_->counters();
  row_.pid = stored_size(counters.pid);
  row_.parent_pid = stored_size(counters.parent_pid);
  row_.started_us = since_start_us(counters.started_unix_ns);
  update_row(counters);
  if (known == nullptr) {
    row_.id = store.add_worker(row_);
    return;
  }
  row_.id = known->id;
  // The killed collector may have committed rows without giving their ring slots back.
  already_stored_ = store.last_sequences(row_.id, kSequencesToCompare);
  std::sort(already_stored_.begin(), already_stored_.end());
  events_stored_until_us_ = store.last_pool_event_us(row_.id);
  store.end_connections(row_.id, since_start_us(base::unix_ns()));  // those that live on are entered anew
}

bool WorkerFeed::is_row(const WorkerRow& row, std::int64_t recording_started_ns) const {
  const std::int64_t started = stored_time(view_->counters().started_unix_ns);
  return row.pid == stored_size(pid()) && row.started_us == saturating_subtract(started, recording_started_ns) / 1000;
}

bool WorkerFeed::same_process(const WorkerFeed& other) const noexcept {
  return process_.is_same_process(other.process_);
}

bool WorkerFeed::process_runs() const { return !superseded_ && process_.runs(); }

std::uint64_t WorkerFeed::dropped_requests() const {
  return lost_ + (intact() ? view_->counters().dropped_requests : 0);
}

std::uint64_t WorkerFeed::finished_requests() const { return intact() ? view_->counters().finished_requests : 0; }

void WorkerFeed::drain(Store& store) { drain(store, false); }

void WorkerFeed::drain(Store& store, bool dead) {
  const ledger::DrainResult result = view_->drain(
      dead, kDrainAtOnce, [&](const ledger::FinishedRequest& request) { add(store, request); },
      [&](const ledger::PoolEvent& event) { add_event(store, event); });
  lost_ += result.lost;
}

void WorkerFeed::add(Store& store, const ledger::FinishedRequest& request) {
  const std::int64_t sequence = stored_size(request.sequence);
  if (std::binary_search(already_stored_.begin(), already_stored_.end(), sequence)) return;
  RequestRow row;
  row.worker = row_.id;
  row.sequence = sequence;
  row.endpoint = endpoint(store, request.endpoint);
  row.started_us = since_start_us(request.started_unix_ns);
  row.duration_us = stored_size(request.duration_ns / 1000);
  row.status = static_cast<std::int32_t>(std::min<std::uint32_t>(request.status, 9999));
  row.flags = request.flags;
  row.received_bytes = stored_size(request.received_bytes);
  row.sent_bytes = stored_size(request.sent_bytes);
  row.request_type = content_type(store, request.request_type);
  row.response_type = content_type(store, request.response_type);
  row.in_flight_at_start = request.in_flight_at_start;
  row.in_flight_peak = request.in_flight_peak;
  row.allocated_bytes = stored_size(request.allocated_bytes);
  row.allocations = stored_size(request.allocations);
  row.peak_bytes = stored_size(request.peak_bytes);
  row.escaped_bytes = stored_size(request.escaped_bytes);
  row.isolated_bytes = stored_size(request.isolated_bytes);
  row.adopted_bytes = stored_size(request.adopted_bytes);
  if (native_) {
    row.native_allocated_bytes = stored_size(request.native_allocated_bytes);
    row.native_peak_bytes = stored_size(request.native_peak_bytes);
  }
  row.byte_seconds = request.byte_seconds;
  row.running_us = stored_size(request.running_ns / 1000);
  row.after_response_bytes = stored_size(request.after_response_bytes);
  if (request.peak_percent <= 100) {
    row.curve = static_cast<std::int64_t>(request.curve);
    row.peak_percent = request.peak_percent;
  }
  store.add_request(row, payload(store, request));
  ++uncommitted_;
}

void WorkerFeed::committed() noexcept {
  stored_ += std::exchange(uncommitted_, 0);
  view_->release();
}

void WorkerFeed::add_responded(Store& store) {
  const std::vector<ledger::FinishedRequest> responded = view_->responded_requests();
  if (responded.empty()) return;
  // A thread may have been killed between its ring record and the state of its owner.
  already_stored_ = store.last_sequences(row_.id, kSequencesToCompare);
  std::sort(already_stored_.begin(), already_stored_.end());
  for (const ledger::FinishedRequest& request : responded) add(store, request);
}

std::int64_t WorkerFeed::endpoint(Store& store, std::uint32_t id) {
  if (const auto known = known_endpoint(store, id)) return *known;
  return store.intern_endpoint({0, "", "<unmatched>", "", false});
}

std::optional<std::int64_t> WorkerFeed::known_endpoint(Store& store, std::uint32_t id) {
  if (const auto known = endpoints_.find(id); known != endpoints_.end()) return known->second;
  const std::optional<ledger::Endpoint> record = view_->endpoint(id);
  if (!record) return std::nullopt;
  EndpointRow row;
  row.method = clean_text(view_->text(record->method));
  row.route = clean_text(view_->text(record->route));
  row.version = clean_text(view_->text(record->version));
  row.deprecated = record->deprecated;
  return endpoints_[id] = store.intern_endpoint(row);
}

std::optional<std::int64_t> WorkerFeed::content_type(Store& store, ledger::TextRef ref) {
  if (ref.bytes == 0) return std::nullopt;
  const std::pair key{ref.offset, ref.bytes};
  if (const auto known = content_types_.find(key); known != content_types_.end()) return known->second;
  const std::string name = clean_text(view_->text(ref));
  if (name.empty()) return std::nullopt;
  return content_types_[key] = store.intern_content_type(name);
}

void WorkerFeed::update_row(const ledger::Counters& counters) {
  row_.python = clean_text(counters.python);
  row_.server = clean_text(counters.server);
  row_.rule = clean_text(counters.rule);
  row_.allocator = clean_text(counters.allocator);
  row_.unseen = clean_text(counters.unseen);
  native_ = counters.native;  // a worker that finds out that it sees none says so a moment after its ledger is there
  row_.dropped_requests = stored_size(counters.dropped_requests + lost_);
  row_.approximate_requests = stored_size(counters.approximate_requests);
  row_.untracked_blocks = stored_size(counters.untracked_blocks);
  row_.lost_frees = stored_size(counters.lost_frees);
  row_.lost_samples = stored_size(counters.lost_samples);
  row_.lost_survivor_bytes = stored_size(counters.lost_survivor_bytes);
  row_.lost_flow_bytes = stored_size(counters.lost_flow_bytes);
  row_.foreign_blocks = stored_size(counters.foreign_blocks);
  row_.folded_endpoints = stored_size(counters.folded_endpoints);
  if (counters.displaced_unix_ns != 0) row_.displaced_us = since_start_us(counters.displaced_unix_ns);
  if (counters.audited) {
    row_.audited_live_bytes = stored_size(counters.audited_live_bytes);
    row_.audited_owner_mismatches = stored_size(counters.audited_owner_mismatches);
  }
}

void WorkerFeed::add_timeline(Store& store, std::uint64_t unix_now) {
  const std::optional<ledger::Sample> sample = view_->sample();
  TimelineRow point;
  point.worker = row_.id;
  point.at_us = since_start_us(unix_now);
  if (const auto resident = resident_bytes(pid())) point.rss_bytes = stored_size(*resident);
  point.live_bytes = view_->live_bytes();
  point.in_flight = view_->counters().in_flight;
  if (sample) {
    point.arena_bytes = stored_size(sample->arena_bytes);
    point.allocator_retained_bytes = stored_size(sample->allocator_retained_bytes);
  }
  store.add_timeline(point);
}

void WorkerFeed::replace_books(Store& store) {
  std::vector<OwnerTotalRow> totals;
  WorkerRow sums;
  for (const ledger::OwnerTotal& total : view_->owner_totals()) {
    OwnerTotalRow row;
    row.kind = stored_kind(total.kind);
    row.owners = stored_size(total.owners);
    row.allocated_bytes = stored_size(total.allocated_bytes);
    row.live_bytes = total.live_bytes;
    row.freed_bytes = saturating_subtract(row.allocated_bytes, row.live_bytes);
    const bool by_endpoint = row.kind == OwnerTotalKind::kRequest || row.kind == OwnerTotalKind::kOpen ||
                             row.kind == OwnerTotalKind::kTenured || row.kind == OwnerTotalKind::kInherited;
    if (by_endpoint) row.endpoint = known_endpoint(store, total.endpoint);
    if (row.kind == OwnerTotalKind::kImport) row.name = clean_text(view_->text(total.name));
    sums.allocated_bytes = saturating_add(sums.allocated_bytes, row.allocated_bytes);
    sums.live_bytes = saturating_add(sums.live_bytes, row.live_bytes);
    const bool outside = row.kind == OwnerTotalKind::kService || row.kind == OwnerTotalKind::kImport;
    if (outside) sums.unattributed_bytes = saturating_add(sums.unattributed_bytes, row.allocated_bytes);
    totals.push_back(std::move(row));
  }
  row_.allocated_bytes = sums.allocated_bytes;
  row_.live_bytes = sums.live_bytes;
  row_.freed_bytes = saturating_subtract(sums.allocated_bytes, sums.live_bytes);
  row_.unattributed_bytes = sums.unattributed_bytes;
  store.replace_owner_totals(row_.id, totals);
}

void WorkerFeed::replace_in_flight(Store& store) {
  std::vector<InFlightRow> open;
  for (const ledger::Owner& owner : view_->open_requests()) {
    InFlightRow row;
    row.endpoint = known_endpoint(store, owner.endpoint);
    row.sequence = stored_size(owner.sequence);
    row.started_us = since_start_us(owner.started_unix_ns);
    row.live_bytes = owner.live_bytes;
    row.peak_bytes = stored_size(owner.peak_bytes);
    row.allocated_bytes = stored_size(owner.allocated_bytes);
    open.push_back(row);
  }
  store.replace_in_flight(row_.id, open);
}

// To be called before drain(): who had ended when the books were read has a row then, who ended later may have.
void WorkerFeed::refresh(Store& store) {
  row_.books_us = since_start_us(base::unix_ns());
  stored_at_books_ = stored_;
  update_row(view_->counters());
  replace_books(store);
  replace_survivors(store);
  replace_body_limits(store);
  replace_compat_marks(store);
  add_notices(store);
  update_connections(store);
  replace_in_flight(store);
  if (const std::optional<ledger::Sample> sample = view_->sample()) {
    row_.rss_bytes = stored_size(sample->rss_bytes);
    row_.allocator_retained_bytes = stored_size(sample->allocator_retained_bytes);
    row_.heapledger_bytes = stored_size(sample->heapledger_bytes);
    if (native_) row_.native_live_bytes = stored_size(sample->native_live_bytes);
  }
  if (const std::optional<ledger::Peak> peak = view_->peak()) {
    PeakRow row;
    row.worker = row_.id;
    row.at_us = since_start_us(peak->at_unix_ns);
    row.live_bytes = stored_size(peak->live_bytes);
    row.in_flight = peak->in_flight;
    for (const ledger::PeakMember& member : peak->members) {
      row.members.push_back(
          {known_endpoint(store, member.endpoint), stored_size(member.sequence), stored_size(member.live_bytes)});
    }
    store.replace_peak(row);
  }
  store.update_worker(row_);
}

void WorkerFeed::read_segments(std::uint64_t unix_now) {
  // Once the books are closed nobody tells of arenas any more, and the process is about to end.
  if (view_->state() == ledger::ProcessState::kFrozen || !process_runs()) return;
  KnownMemory known;
  if (const auto addresses = view_->addresses(); addresses && view_->state() == ledger::ProcessState::kLive) {
    known.own = {addresses->own.address, addresses->own.address + addresses->own.bytes};
    for (const ledger::Run& run : addresses->arenas) {
      known.python_arenas.push_back({run.address, run.address + run.bytes});
    }
  }
  const SegmentsRead read = recording::read_segments(pid(), path_, std::move(known));
  if (!process_runs() || (!read.sums && read.failure.empty())) return;  // the pid may be another's by now
  segments_read_ = true;
  if (!read.sums && !first_segments_) return;  // what was read before stands
  SegmentReadingRow row;
  row.reason = read.failure;
  if (read.sums) {
    row.rss_bytes = stored_size(read.sums->rss_bytes);
    row.pss_bytes = stored_size(read.sums->pss_bytes);
    for (std::size_t i = 0; i < kSegmentKinds; ++i) {
      const SegmentSums::Sum& sum = read.sums->kinds[i];
      row.segments.push_back({static_cast<SegmentKind>(i), stored_size(sum.rss_bytes), stored_size(sum.shared_bytes),
                              stored_size(sum.private_bytes)});
    }
  }
  segments_ = std::move(row);
  segments_unix_ns_ = unix_now;
}

void WorkerFeed::add_segments(Store& store) {
  if (!segments_) return;
  segments_->worker = row_.id;
  segments_->at_us = since_start_us(segments_unix_ns_);
  segments_->first = false;
  store.replace_segments(*segments_);
  if (first_segments_ && segments_->rss_bytes) {
    segments_->first = true;
    store.replace_segments(*segments_);
    first_segments_ = false;
  }
  segments_.reset();
}

void WorkerFeed::note_ending(const ledger::Counters& counters, std::uint64_t unix_now) {
  const bool frozen = counters.state == ledger::ProcessState::kFrozen;
  row_.ended_us = since_start_us(frozen && counters.frozen_unix_ns != 0 ? counters.frozen_unix_ns
                                 : gone_unix_ns_ != 0                   ? gone_unix_ns_
                                                                        : unix_now);
  if (counters.state == ledger::ProcessState::kDisplaced || counters.displaced_unix_ns != 0) {
    row_.ending = WorkerEnding::kDisplaced;
  } else if (frozen) {
    row_.ending = WorkerEnding::kFrozen;
  } else if (superseded_) {
    row_.ending = WorkerEnding::kStopped;  // it replaced its program
  } else {
    const Departure departure = departure_of(process_.wait_status());
    row_.ending = departure.meant ? WorkerEnding::kStopped : WorkerEnding::kDied;
    if (departure.signal) row_.end_signal = *departure.signal;
  }
}

void WorkerFeed::finish(Store& store, std::uint64_t unix_now) {
  const bool running = process_runs();
  const ledger::Counters counters = view_->counters();
  if (running && counters.state != ledger::ProcessState::kFrozen) {
    refresh(store);
    drain(store, false);
    return;
  }
  drain(store, !running);
  add_responded(store);
  note_ending(counters, unix_now);
  refresh(store);
}

}  // namespace heapledger::recording
