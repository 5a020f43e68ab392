#include "ledger/ledger_view.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "ledger/shared_copy.h"

namespace heapledger::ledger {
namespace {

constexpr int kTornRetries = 64;

std::uint64_t relaxed(const std::atomic<std::uint64_t>& value) noexcept {
  return value.load(std::memory_order_relaxed);
}

template <std::size_t N>
std::string bounded_text(const char (&field)[N]) {
  return std::string(field, strnlen(field, N));
}

std::string validate(const Ledger& ledger) {
  const Header& header = ledger.header;
  if (__atomic_load_n(&header.magic, __ATOMIC_ACQUIRE) != kMagic) return "not a ledger (no magic number)";
  if (header.layout_version != kLayoutVersion) {
    return "ledger of layout version " + std::to_string(header.layout_version) + ", this program reads " +
           std::to_string(kLayoutVersion);
  }
  if (header.header_bytes != sizeof(Header) || header.file_bytes != kLedgerBytes) return "ledger with other sizes";
  return {};
}

Encoding encoding_of(Encoding stored) noexcept { return stored <= Encoding::kOther ? stored : Encoding::kOther; }

FinishedRequest from_ring(const RingRecord& record) {
  FinishedRequest request;
  request.endpoint = record.endpoint;
  request.sequence = record.sequence;
  request.started_unix_ns = record.started_unix_ns;
  request.duration_ns = record.duration_ns;
  request.status = record.status;
  request.flags = record.flags;
  request.received_bytes = record.received_bytes;
  request.sent_bytes = record.sent_bytes;
  request.in_flight_at_start = record.in_flight_at_start;
  request.in_flight_peak = record.in_flight_peak;
  request.allocated_bytes = record.allocated_bytes;
  request.allocations = record.allocations;
  request.peak_bytes = record.peak_bytes;
  request.escaped_bytes = record.escaped_bytes;
  request.isolated_bytes = record.isolated_bytes;
  request.adopted_bytes = record.adopted_bytes;
  request.native_allocated_bytes = record.native_allocated_bytes;
  request.native_peak_bytes = record.native_peak_bytes;
  request.byte_seconds = finite(record.byte_seconds);
  request.running_ns = record.running_ns;
  request.after_response_bytes = record.after_response_bytes;
  request.request_type = {record.request_type_offset, record.request_type_bytes};
  request.response_type = {record.response_type_offset, record.response_type_bytes};
  request.curve = record.curve;
  request.peak_percent = record.peak_percent;
  request.request_encoding = encoding_of(record.request_encoding);
  request.response_encoding = encoding_of(record.response_encoding);
  if ((record.flags & kRequestPhases) != 0) {
    std::array<PhaseFigures, kPhases>& phases = request.phases.emplace();
    for (std::size_t i = 0; i < kPhases; ++i) phases[i] = record.phases[i].figures();
  }
  return request;
}

}  // namespace

LedgerView::LedgerView(Ledger* ledger, int file, bool writable) noexcept
    : ledger_(ledger), file_(file), writable_(writable) {
  cursor_ = ledger_->header.ring_tail.load(std::memory_order_relaxed);
}

LedgerView::~LedgerView() {
  if (file_ < 0) return;
  ::munmap(ledger_, kLedgerBytes);
  ::close(file_);
}

bool LedgerView::intact() const noexcept {
  struct stat info {};
  return file_ < 0 || (::fstat(file_, &info) == 0 && static_cast<std::uint64_t>(info.st_size) >= kLedgerBytes);
}

std::unique_ptr<LedgerView> LedgerView::open(const std::string& path, std::string& error) {
  constexpr int kFlags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  bool writable = true;
  int fd = ::open(path.c_str(), O_RDWR | kFlags);
  if (fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM)) {
    writable = false;
    fd = ::open(path.c_str(), O_RDONLY | kFlags);
  }
  if (fd < 0) {
    error = std::strerror(errno);
    return nullptr;
  }
  struct stat info {};
  void* memory = MAP_FAILED;
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    error = "not a regular file";
  } else if (static_cast<std::uint64_t>(info.st_size) != kLedgerBytes) {
    error = "not a ledger (other size)";
  } else {
    memory = ::mmap(nullptr, kLedgerBytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) error = std::strerror(errno);
  }
  if (memory == MAP_FAILED) {
    ::close(fd);
    return nullptr;
  }
  auto* ledger = static_cast<Ledger*>(memory);
  error = validate(*ledger);
  if (!error.empty()) {
    ::munmap(memory, kLedgerBytes);
    ::close(fd);
    return nullptr;
  }
  return std::unique_ptr<LedgerView>(new LedgerView(ledger, fd, writable));
}

std::unique_ptr<LedgerView> LedgerView::over(Ledger& ledger, std::string& error) {
  error = validate(ledger);
  if (!error.empty()) return nullptr;
  return std::unique_ptr<LedgerView>(new LedgerView(&ledger, -1, true));
}

ProcessState LedgerView::state() const noexcept { return ledger_->header.state.load(std::memory_order_acquire); }

Counters LedgerView::counters() const {
  const ProcessState state_first = state();
  const Copy<Header> copy(ledger_->header);
  const Header& header = *copy;
  Counters counters;
  counters.pid = header.pid;
  counters.parent_pid = header.parent_pid;
  counters.process_start_ticks = header.process_start_ticks;
  counters.started_unix_ns = header.started_unix_ns;
  counters.state = state_first;
  counters.native = header.native != 0;
  counters.allocator = bounded_text(header.allocator);
  counters.unseen = bounded_text(header.unseen);
  counters.python = bounded_text(header.python);
  counters.rule = bounded_text(header.rule);
  counters.server = bounded_text(header.server);
  counters.dropped_requests = relaxed(header.dropped_requests);
  counters.started_requests = relaxed(header.started_requests);
  counters.finished_requests = relaxed(header.finished_requests);
  counters.approximate_requests = relaxed(header.approximate_requests);
  counters.untracked_blocks = relaxed(header.untracked_blocks);
  counters.lost_frees = relaxed(header.lost_frees);
  counters.lost_samples = relaxed(header.lost_samples);
  counters.lost_survivor_bytes = relaxed(header.lost_cohort_bytes);
  counters.lost_flow_bytes = relaxed(header.lost_flow_bytes);
  counters.foreign_blocks = relaxed(header.foreign_blocks);
  counters.folded_endpoints = relaxed(header.folded_endpoints);
  counters.displaced_unix_ns = relaxed(header.displaced_unix_ns);
  counters.in_flight = header.in_flight.load(std::memory_order_relaxed);
  counters.audited = header.audited == 1;
  counters.audited_live_bytes = header.audited_live_bytes;
  counters.audited_owner_mismatches = header.audited_owner_mismatches;
  counters.frozen_unix_ns = header.frozen_unix_ns;
  counters.dropped_pool_events = relaxed(header.dropped_pool_events);
  return counters;
}

bool LedgerView::has_requests() const noexcept {
  return ledger_->header.ring_head.load(std::memory_order_relaxed) != cursor_;
}

DrainResult LedgerView::drain(bool dead, std::size_t max, const std::function<void(const FinishedRequest&)>& visit,
                              const std::function<void(const PoolEvent&)>& visit_event) {
  DrainResult result;
  const std::uint64_t head = ledger_->header.ring_head.load(std::memory_order_acquire);
  if (head < cursor_) return result;  // no writer does this: nothing there can be believed
  if (head - cursor_ > kRingRecords) {
    result.lost += head - cursor_ - kRingRecords;
    cursor_ = head - kRingRecords;
  }
  for (; cursor_ != head; ++cursor_) {
    if (result.delivered == max) {
      result.more = true;
      break;
    }
    const RingRecord& shared = ledger_->ring[cursor_ % kRingRecords];
    // Acquire: pairs with the writer's release of `commit`, after which the record stands still until release().
    if (shared.commit.load(std::memory_order_acquire) != cursor_ + 1) {
      if (!dead) break;
      ++result.lost;
      continue;
    }
    const Copy<RingRecord> record(shared);
    const std::optional<PoolEvent> event =
        record->kind == RecordKind::kPoolEvent ? event_from(*record) : std::optional<PoolEvent>();
    if (record->kind != RecordKind::kRequest && !event) {
      ++result.lost;
      continue;
    }
    if (!event) visit(from_ring(*record));
    if (event && visit_event) visit_event(*event);
    ++result.delivered;
  }
  return result;
}

void LedgerView::release() noexcept {
  // Release: the writer may overwrite these slots once it has acquired the new tail.
  if (writable_) ledger_->header.ring_tail.store(cursor_, std::memory_order_release);
}

std::optional<Endpoint> LedgerView::endpoint(std::uint32_t id) const {
  // Acquire: pairs with the writer's release after the record was written.
  const std::uint32_t count = ledger_->header.endpoint_count.load(std::memory_order_acquire);
  if (id == kEndpointUnknown || id >= kEndpointSlots || id >= count) return std::nullopt;
  static_assert(sizeof(EndpointRecord) % sizeof(std::uint32_t) == 0);
  EndpointRecord record;
  std::memcpy(&record, &ledger_->endpoints[id], sizeof record);  // immutable once published, but for the notice
  Endpoint endpoint;
  endpoint.method = {record.method_offset, record.method_bytes};
  endpoint.route = {record.route_offset, record.route_bytes};
  endpoint.version = {record.version_offset, record.version_bytes};
  endpoint.deprecated = record.deprecated != 0;
  // Acquire: pairs with the writer's release after the text and its offset.
  const std::uint32_t notice_bytes = __atomic_load_n(&ledger_->endpoints[id].notice_bytes, __ATOMIC_ACQUIRE);
  if (notice_bytes > 0 && notice_bytes <= 2 * kLongestNotice + 1) {
    endpoint.notice = {__atomic_load_n(&ledger_->endpoints[id].notice_offset, __ATOMIC_RELAXED), notice_bytes};
  }
  return endpoint;
}

std::string LedgerView::text(TextRef ref) const {
  if (ref.offset > kStringHeapBytes || ref.bytes > kStringHeapBytes - ref.offset) return {};
  return std::string(ledger_->strings + ref.offset, ref.bytes);
}

std::optional<Peak> LedgerView::peak() const {
  for (int attempt = 0; attempt < kTornRetries; ++attempt) {
    // Acquire: pairs with the release by which the writer switches buffers once one is complete.
    const std::uint32_t current = ledger_->header.peak_current.load(std::memory_order_acquire);
    const Copy<PeakRecord> record(ledger_->peaks[current % 2]);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (ledger_->header.peak_current.load(std::memory_order_relaxed) != current) continue;
    if (record->at_unix_ns == 0) return std::nullopt;
    Peak peak;
    peak.at_unix_ns = record->at_unix_ns;
    peak.live_bytes = record->live_bytes;
    peak.in_flight = record->in_flight;
    peak.members.assign(record->members, record->members + std::min(record->member_count, kPeakMembers));
    return peak;
  }
  return std::nullopt;
}

std::optional<Sample> LedgerView::sample() const {
  for (int attempt = 0; attempt < kTornRetries; ++attempt) {
    const std::uint64_t before = ledger_->sample.version.load(std::memory_order_acquire);
    const Copy<ProcessSample> copy(ledger_->sample);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (ledger_->sample.version.load(std::memory_order_relaxed) != before || before % 2 != 0) continue;
    if (before == 0) return std::nullopt;
    Sample sample;
    sample.at_unix_ns = copy->at_unix_ns;
    sample.rss_bytes = copy->rss_bytes;
    sample.live_bytes = copy->live_bytes;
    sample.allocator_retained_bytes = copy->allocator_retained_bytes;
    sample.heapledger_bytes = copy->heapledger_bytes;
    sample.arena_bytes = copy->arena_bytes;
    sample.native_live_bytes = copy->native_live_bytes;
    return sample;
  }
  return std::nullopt;
}

std::optional<Addresses> LedgerView::addresses() const {
  constexpr std::uint64_t kArenaBytes = std::uint64_t{1} << 20;
  for (int attempt = 0; attempt < kTornRetries; ++attempt) {
    const std::uint64_t before = ledger_->sample.addresses.version.load(std::memory_order_acquire);
    const Copy<KnownAddresses> copy(ledger_->sample.addresses);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (ledger_->sample.addresses.version.load(std::memory_order_relaxed) != before || before % 2 != 0) continue;
    if (before == 0) return std::nullopt;
    Addresses addresses;
    addresses.own = {copy->own_address, copy->own_bytes};
    addresses.untold_arenas = copy->untold_arenas;
    for (std::uint32_t i = 0; i < std::min(copy->run_count, kArenaRuns); ++i) {
      const std::uint64_t run = copy->runs[i];
      addresses.arenas.push_back({run & ~(kPageBytes - 1), (run & (kPageBytes - 1)) * kArenaBytes});
    }
    return addresses;
  }
  return std::nullopt;
}

std::vector<BodyLimitSeen> LedgerView::body_limits() const {
  // Acquire: pairs with the writer's release after the record was written.
  const std::uint32_t count = ledger_->header.body_limit_count.load(std::memory_order_acquire);
  std::vector<BodyLimitSeen> limits;
  for (std::uint32_t i = 0; i < std::min(count, kBodyLimits); ++i) {
    const Copy<BodyLimit> limit(ledger_->header.body_limits[i]);
    BodyLimitSeen& seen = limits.emplace_back();
    seen.endpoint = limit->endpoint;
    seen.setting = text({limit->setting_offset, limit->setting_bytes});
    if (limit->limit_bytes != kNoBodyLimit) seen.limit_bytes = limit->limit_bytes;
  }
  return limits;
}

}  // namespace heapledger::ledger
