// Reader of another process's ledger file: copies first, believes nothing, follows no offset it has not checked.
//
// Any byte of the file may be anything: the writer may be killed between two stores, be another version, or be hostile.
// Every function therefore answers something bounded for every content, and counts instead of failing.
// While the worker lives, figures of different owners are read at slightly different moments ("approximate"); once it
// is frozen or dead they are exact. Thread-safety: one thread at a time a view; the one view that drains must be the
// only one that does. Allocates; not for use inside a service's hooks. Fork: the mapping is shared, a child must not
// drain.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledger/layout.h"
#include "ledger/pool_view.h"

namespace heapledger::ledger {

// A place in the string heap as the file claims it; text() checks it.
struct TextRef {
  std::uint32_t offset = 0;
  std::uint32_t bytes = 0;
  friend bool operator==(const TextRef&, const TextRef&) = default;
};

struct Endpoint {
  TextRef method;
  TextRef route;
  TextRef version;
  TextRef notice;  // headers Deprecation and Sunset, a line each; may come later than the rest
  bool deprecated = false;
};

// One ring record, or the same row taken from a dead worker's responded owner.
struct FinishedRequest {
  std::uint32_t endpoint = 0;
  std::uint64_t sequence = 0;
  std::uint64_t started_unix_ns = 0;
  std::uint64_t duration_ns = 0;
  std::uint32_t status = 0;
  std::uint32_t flags = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
  std::uint32_t in_flight_at_start = 0;
  std::uint32_t in_flight_peak = 0;
  std::uint64_t allocated_bytes = 0;
  std::uint64_t allocations = 0;
  std::uint64_t peak_bytes = 0;
  std::uint64_t escaped_bytes = 0;
  std::uint64_t isolated_bytes = 0;
  std::uint64_t adopted_bytes = 0;
  std::uint64_t native_allocated_bytes = 0;
  std::uint64_t native_peak_bytes = 0;
  double byte_seconds = 0;
  std::uint64_t running_ns = 0;
  std::uint64_t after_response_bytes = 0;
  TextRef request_type;
  TextRef response_type;
  std::uint64_t curve = 0;  // RingRecord::curve
  std::uint8_t peak_percent = kNoCurve;
  std::optional<std::array<PhaseFigures, kPhases>> phases;  // nullopt: nobody marked any
  Encoding request_encoding = Encoding::kIdentity;
  Encoding response_encoding = Encoding::kIdentity;
};

// One owner slot. `torn` when the writer died (or would not stop) while rewriting who the owner is.
struct Owner {
  OwnerKind kind = OwnerKind::kNone;
  OwnerState state = OwnerState::kFree;
  std::uint32_t endpoint = 0;
  TextRef name;
  std::uint64_t sequence = 0;
  std::uint64_t started_unix_ns = 0;
  std::uint64_t allocated_bytes = 0;
  std::int64_t live_bytes = 0;
  std::uint64_t peak_bytes = 0;
  std::uint64_t ordinal = 0;  // OwnerRecord::ordinal
  bool aged = false;          // what it holds are survivors
  bool torn = false;
};

enum class TotalKind : std::uint8_t { kService, kImport, kRequest, kOpen, kTenured, kConnection, kInherited, kRetired };

// Owners summed by kind and endpoint, or by import name. freed == allocated - live.
struct OwnerTotal {
  TotalKind kind = TotalKind::kService;
  std::uint32_t endpoint = 0;
  TextRef name;
  std::uint64_t owners = 0;
  std::uint64_t allocated_bytes = 0;
  std::int64_t live_bytes = 0;
};

struct ProcessTotals {
  std::uint64_t allocated_bytes = 0;
  std::int64_t live_bytes = 0;
  std::uint64_t unattributed_bytes = 0;  // allocated by service and import owners
  std::uint64_t torn_owners = 0;
};

struct Peak {
  std::uint64_t at_unix_ns = 0;
  std::uint64_t live_bytes = 0;
  std::uint32_t in_flight = 0;
  std::vector<PeakMember> members;
};

struct Sample {
  std::uint64_t at_unix_ns = 0;
  std::uint64_t rss_bytes = 0;
  std::uint64_t live_bytes = 0;
  std::uint64_t allocator_retained_bytes = 0;
  std::uint64_t heapledger_bytes = 0;
  std::uint64_t arena_bytes = 0;
  std::uint64_t native_live_bytes = 0;
};

// What became of an endpoint's survivors (LifeRecord).
struct Life {
  std::uint32_t endpoint = 0;
  std::uint64_t requests = 0;
  std::uint64_t cohort_requests = 0;
  std::uint64_t freed_bytes = 0;
  std::uint64_t oldest_free_requests = 0;
  std::uint64_t first_aged_free_request = 0;  // 0: never
  std::uint64_t last_aged_free_request = 0;
  std::uint64_t freed_by_age_bytes[kAgeBins] = {};
};

// Survivors still live, born in the endpoint's requests first to last. block_bytes: the largest block of the size
// class; nullopt: sizes are told apart at the freeze only.
struct Cohort {
  std::uint32_t endpoint = 0;
  std::uint64_t first_request = 0;
  std::uint64_t last_request = 0;
  std::optional<std::uint64_t> block_bytes;
  std::int64_t live_bytes = 0;
  std::uint64_t live_blocks = 0;
};

struct Flow {
  std::uint32_t owner_endpoint = 0;
  std::uint32_t freer_endpoint = 0;  // kEndpointUnknown: outside of every request, or no route was known
  std::uint64_t bytes = 0;
  std::uint64_t blocks = 0;
};

struct Place {
  std::string function;
  std::string file;
  std::uint32_t line = 0;
};

struct Stack {
  std::vector<Place> places;  // innermost first, never empty
  bool truncated = false;
};

// SiteRecord; every figure finite, what is live not negative.
struct Site {
  std::uint32_t endpoint = 0;
  std::uint32_t stack = 0;  // for stack(); 0: no Python code was running
  std::uint64_t samples = 0;
  double allocated_bytes = 0;
  double peak_bytes = 0;
  double retained_bytes = 0;
  double retained_blocks = 0;
  std::uint64_t retained_samples = 0;
};

// How large a request body may be by a framework's setting; nullopt: it sets no limit.
struct BodyLimitSeen {
  std::uint32_t endpoint = 0;  // 0: all of the process
  std::string setting;
  std::optional<std::uint64_t> limit_bytes;
};

// What calls of compatibility code took, by name and endpoint. An empty name: calls that found no room.
struct CompatCalls {
  std::string name;
  std::uint32_t endpoint = 0;
  std::uint64_t calls = 0;
  std::uint64_t allocated_bytes = 0;
  std::uint64_t peak_bytes = 0;
  std::uint64_t duration_ns = 0;
};

struct Run {
  std::uint64_t address = 0;
  std::uint64_t bytes = 0;
};

// Addresses in the process, as it reported them.
struct Addresses {
  Run own;  // the engine's static memory
  std::vector<Run> arenas;
  std::uint32_t untold_arenas = 0;
};

// The header without its atomics.
struct Counters {
  std::uint64_t pid = 0;
  std::uint64_t parent_pid = 0;
  std::uint64_t process_start_ticks = 0;
  std::uint64_t started_unix_ns = 0;
  ProcessState state = ProcessState::kStarting;
  bool native = false;
  std::string allocator;  // what serves malloc; empty: not seen
  std::string unseen;     // loaded packages with allocators of their own
  std::string python;
  std::string rule;
  std::string server;
  std::uint64_t dropped_requests = 0;  // ring full: counted by the writer
  std::uint64_t started_requests = 0;
  std::uint64_t finished_requests = 0;
  std::uint64_t approximate_requests = 0;
  std::uint64_t untracked_blocks = 0;
  std::uint64_t lost_frees = 0;
  std::uint64_t lost_samples = 0;
  std::uint64_t lost_survivor_bytes = 0;
  std::uint64_t lost_flow_bytes = 0;
  std::uint64_t foreign_blocks = 0;
  std::uint64_t folded_endpoints = 0;
  std::uint64_t displaced_unix_ns = 0;
  std::uint32_t in_flight = 0;
  bool audited = false;
  std::uint64_t audited_live_bytes = 0;
  std::uint64_t audited_owner_mismatches = 0;
  std::uint64_t frozen_unix_ns = 0;
  std::uint64_t dropped_pool_events = 0;
};

struct DrainResult {
  std::size_t delivered = 0;
  std::uint64_t lost = 0;  // reserved in the ring but never completed, overwritten, or of no known kind
  bool more = false;       // stopped at `max`
};

class LedgerView {
 public:
  // Maps `path` (no symlink, a regular file of this user, exact size). nullptr and one line in `error` otherwise.
  static std::unique_ptr<LedgerView> open(const std::string& path, std::string& error);
  // The same over memory of the caller, which outlives the view. For tests and fuzzing.
  static std::unique_ptr<LedgerView> over(Ledger& ledger, std::string& error);
  ~LedgerView();
  LedgerView(const LedgerView&) = delete;
  LedgerView& operator=(const LedgerView&) = delete;

  // The file still has every page: reading beyond its end would be a SIGBUS. Somebody may yet cut it right afterwards.
  bool intact() const noexcept;

  Counters counters() const;
  ProcessState state() const noexcept;

  // Hands over finished requests in ring order, at most `max`. With `dead`, records that were reserved but never
  // completed are skipped and counted; of a living worker they are waited for. Slots are given back to the writer only
  // by release(), so that a collector may commit in between.
  // Pools' events lie between them; without `visit_event` they are passed over.
  DrainResult drain(bool dead, std::size_t max, const std::function<void(const FinishedRequest&)>& visit,
                    const std::function<void(const PoolEvent&)>& visit_event = {});
  void release() noexcept;
  bool has_requests() const noexcept;

  // Rows that a dead worker had snapshotted (response out) but not yet put into the ring.
  std::vector<FinishedRequest> responded_requests() const;

  std::optional<Endpoint> endpoint(std::uint32_t id) const;
  std::string text(TextRef ref) const;  // "" when the place does not exist

  void for_each_owner(const std::function<void(const Owner&)>& visit) const;  // slots in use
  std::vector<OwnerTotal> owner_totals() const;
  std::vector<Owner> open_requests() const;  // by sequence
  ProcessTotals totals() const;
  std::int64_t live_bytes() const noexcept;  // ProcessTotals::live_bytes alone, at a fraction of the price
  std::optional<Peak> peak() const;          // nullopt: none recorded yet, or torn
  std::optional<Sample> sample() const;      // nullopt: none yet, or torn
  std::optional<Addresses> addresses() const;
  std::vector<BodyLimitSeen> body_limits() const;
  std::vector<CompatCalls> compat_calls() const;

  std::vector<Life> lives() const;  // endpoints that a request has ended of
  std::vector<Cohort> cohorts() const;
  std::vector<Flow> flows() const;
  std::vector<Site> sites() const;
  std::optional<Stack> stack(std::uint32_t id) const;

  std::vector<PoolInfo> pools() const;              // by id
  std::vector<ConnectionInfo> connections() const;  // open ones, and closed ones that were kept

 private:
  LedgerView(Ledger* ledger, int file, bool writable) noexcept;
  static std::optional<PoolEvent> event_from(const RingRecord& place) noexcept;
  Owner read_owner(std::uint32_t id) const;
  std::uint32_t slots_in_use() const noexcept;
  std::vector<Cohort> cohorts_by_size(const std::map<std::uint32_t, Life>& lives) const;
  std::vector<Cohort> cohorts_by_owner(const std::map<std::uint32_t, Life>& lives) const;
  std::string place_text(std::uint32_t offset, std::uint32_t bytes) const;

  Ledger* ledger_;
  int file_;  // -1: the caller's memory
  bool writable_;
  std::uint64_t cursor_ = 0;
};

}  // namespace heapledger::ledger
