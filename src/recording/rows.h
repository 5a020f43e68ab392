// What a recording holds, as typed rows: the wall between recording and analysis.
//
// Plain values, no behaviour. Times in *_us are microseconds since the recording's start (MetaRow::started_unix_ns).
// std::nullopt means "not measured", never zero. Every string is valid UTF-8 without NUL bytes; it may hold control
// characters, quotes or escapes (they come from the service's routes): renderers escape, rows do not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "recording/payload_rows.h"

namespace heapledger::recording {

struct MetaRow {
  int schema_version = 0;
  std::string heapledger_version;
  std::string command;  // argv[0] of the recorded command, nothing else of it
  std::string mode;     // "exact"
  std::int64_t started_unix_ns = 0;
  std::optional<std::int64_t> ended_unix_ns;  // nullopt: still being written, or its collector was killed
  bool native = false;                        // the libc interposer was active
  bool complete = false;                      // closed in order by its collector
  std::int64_t workers_without_ledger = 0;    // processes that had no room for one: their requests are in no figure
  bool run_folder_lost = false;               // removed while it was in use: processes since then are in no figure
  std::optional<bool> writer_runs;            // of a recording without an end; nullopt: it has one, or not to be told
  std::int64_t dropped_requests = 0;          // all workers: finished requests that have no row and no slice
  std::optional<std::int64_t> memory_limit_bytes;  // of the cgroup or host that the command ran in
  std::string memory_limit_source;                 // "cgroup v2", "cgroup v1", "host"; empty: not known
  // Set once the oldest requests were folded into slices: single rows exist from here on.
  std::optional<std::int64_t> single_requests_since_us;
};

// kStopped: asked to stop by a signal, or left without its exit callbacks; kDied: killed, or nobody can tell.
enum class WorkerEnding { kRunning, kFrozen, kStopped, kDied, kDisplaced };

struct WorkerRow {
  std::int64_t id = 0;
  std::int64_t pid = 0;
  std::int64_t parent_pid = 0;
  std::string python;
  std::string server;
  std::string rule;
  std::int64_t started_us = 0;
  std::optional<std::int64_t> ended_us;
  WorkerEnding ending = WorkerEnding::kRunning;
  std::optional<std::int64_t> end_signal;  // that ended it; nullopt: none, or nobody can tell
  std::int64_t allocated_bytes = 0;
  std::int64_t freed_bytes = 0;
  std::int64_t live_bytes = 0;
  std::int64_t unattributed_bytes = 0;
  std::optional<std::int64_t> audited_live_bytes;
  std::optional<std::int64_t> audited_owner_mismatches;
  std::int64_t dropped_requests = 0;
  std::int64_t approximate_requests = 0;
  std::int64_t untracked_blocks = 0;
  std::int64_t lost_frees = 0;
  std::int64_t lost_samples = 0;
  std::int64_t lost_survivor_bytes = 0;
  std::int64_t lost_flow_bytes = 0;
  std::int64_t foreign_blocks = 0;
  std::int64_t folded_endpoints = 0;
  std::optional<std::int64_t> displaced_us;
  std::optional<std::int64_t> books_us;  // when its books (this row, owner totals, in flight) were last read
  std::optional<std::int64_t> rss_bytes;
  std::optional<std::int64_t> allocator_retained_bytes;
  std::optional<std::int64_t> heapledger_bytes;
  std::optional<std::int64_t> native_live_bytes;  // part of live_bytes at the latest sample
  std::string allocator;                          // what serves malloc; empty: native memory was not seen
  std::string unseen;                             // loaded packages with allocators of their own, by commas
};

struct EndpointRow {
  std::int64_t id = 0;
  std::string method;
  std::string route;
  std::string version;  // "" when none
  bool deprecated = false;
};

struct ContentTypeRow {
  std::int64_t id = 0;
  std::string name;
};

struct RequestRow {
  std::int64_t id = 0;
  std::int64_t worker = 0;
  std::int64_t sequence = 0;
  std::int64_t endpoint = 0;  // EndpointRow::id
  std::int64_t started_us = 0;
  std::int64_t duration_us = 0;
  std::int32_t status = 0;
  std::uint32_t flags = 0;  // kRequest* bits of ledger/layout.h
  std::int64_t received_bytes = 0;
  std::int64_t sent_bytes = 0;
  std::optional<std::int64_t> request_type;  // ContentTypeRow::id
  std::optional<std::int64_t> response_type;
  std::int64_t in_flight_at_start = 0;
  std::int64_t in_flight_peak = 0;
  std::int64_t allocated_bytes = 0;
  std::int64_t allocations = 0;
  std::int64_t peak_bytes = 0;
  std::int64_t escaped_bytes = 0;
  std::int64_t isolated_bytes = 0;
  std::int64_t adopted_bytes = 0;
  std::optional<std::int64_t> native_allocated_bytes;
  std::optional<std::int64_t> native_peak_bytes;
  double byte_seconds = 0;
  std::int64_t running_us = 0;
  std::int64_t after_response_bytes = 0;
  std::optional<std::int64_t> curve;  // sixteen levels of four bits, in fifteenths of the peak, the first one highest
  std::optional<std::int64_t> peak_percent;
};

// Which requests to read; an empty member does not restrict. Times are compared with started_us, until is exclusive.
struct RequestFilter {
  std::optional<std::string> route;    // exact template
  std::optional<std::string> method;   // exact, as recorded
  std::optional<std::int64_t> worker;  // WorkerRow::id
  std::optional<std::int64_t> since_us;
  std::optional<std::int64_t> until_us;
};

enum class OwnerTotalKind { kService, kImport, kRequest, kOpen, kTenured, kConnection, kInherited, kRetired };

struct OwnerTotalRow {
  std::int64_t worker = 0;
  OwnerTotalKind kind = OwnerTotalKind::kService;
  std::optional<std::int64_t> endpoint;
  std::optional<std::string> name;  // import: top-level module
  std::int64_t owners = 0;
  std::int64_t allocated_bytes = 0;
  std::int64_t freed_bytes = 0;
  std::int64_t live_bytes = 0;
};

struct InFlightRow {
  std::int64_t worker = 0;
  std::optional<std::int64_t> endpoint;  // nullopt: no route was known yet
  std::int64_t sequence = 0;
  std::int64_t started_us = 0;
  std::int64_t live_bytes = 0;
  std::int64_t peak_bytes = 0;
  std::int64_t allocated_bytes = 0;
};

struct TimelineRow {
  std::int64_t worker = 0;
  std::int64_t at_us = 0;
  std::optional<std::int64_t> rss_bytes;
  std::int64_t live_bytes = 0;
  std::int64_t in_flight = 0;
  std::optional<std::int64_t> arena_bytes;
  std::optional<std::int64_t> allocator_retained_bytes;
};

struct PeakMemberRow {
  std::optional<std::int64_t> endpoint;
  std::int64_t sequence = 0;
  std::int64_t live_bytes = 0;
};

// The highest moment of one worker's live bytes. `members` lists the largest holders first, at most 64 of `in_flight`.
struct PeakRow {
  std::int64_t worker = 0;
  std::int64_t at_us = 0;
  std::int64_t live_bytes = 0;
  std::int64_t in_flight = 0;
  std::vector<PeakMemberRow> members;
};

struct NoteRow {
  std::string executable;
  std::string python;
  std::string reason;
};

// One figure of many requests: exact count, sum and largest, and a histogram of eight logarithmic bins an octave.
// Bin 0 holds zero, bin b > 0 values in [2^((b-1)/8), 2^(b/8)), bin b < 0 values in [2^(b/8), 2^((b+1)/8)).
// Two of them merge by adding.
struct FoldedFigure {
  double sum = 0;
  double max = 0;
  std::map<std::int32_t, std::int64_t> bins;
};

// Requests whose single rows were given up for --max-size: one endpoint during [from_us, until_us) by start.
struct SliceRow {
  std::int64_t endpoint = 0;
  std::int64_t from_us = 0;
  std::int64_t until_us = 0;
  std::int64_t requests = 0;
  std::int64_t errors = 0;  // status 500 and above, or raised
  FoldedFigure in_flight_peak;
  FoldedFigure allocated_bytes;
  FoldedFigure allocations;
  FoldedFigure peak_bytes;
  FoldedFigure escaped_bytes;
  FoldedFigure isolated_bytes;
  FoldedFigure adopted_bytes;
  FoldedFigure native_allocated_bytes;  // no bins at all without the interposer
  FoldedFigure native_peak_bytes;
  FoldedFigure byte_seconds;
  FoldedFigure duration_us;
  FoldedFigure after_response_bytes;
};

// Blocks that outlived their request: what became of them. Ages in requests of the endpoint that ended since.
struct EndpointLifeRow {
  std::int64_t worker = 0;
  std::int64_t endpoint = 0;
  std::int64_t requests = 0;
  std::int64_t freed_bytes = 0;
  std::int64_t oldest_free_requests = 0;
  std::optional<std::int64_t> first_aged_free_request;
  std::optional<std::int64_t> last_aged_free_request;
  std::vector<std::int64_t> freed_by_age_bytes;  // twelve bins: below 10 ms, 40 ms, 160 ms, ...
  struct RetainedLevel {
    std::int64_t requests = 0;
    std::int64_t retained_bytes = 0;
  };
  std::vector<RetainedLevel> retained_history;  // what survivors held when so many requests had ended, oldest first
};

// Those still live, by the run of requests they were born in and by size. block_bytes: largest of the size class.
struct CohortRow {
  std::int64_t worker = 0;
  std::int64_t endpoint = 0;
  std::int64_t first_request = 0;
  std::int64_t last_request = 0;
  std::optional<std::int64_t> block_bytes;
  std::int64_t live_bytes = 0;
  std::optional<std::int64_t> live_blocks;
};

struct FlowRow {
  std::int64_t worker = 0;
  std::int64_t owner_endpoint = 0;
  std::optional<std::int64_t> freer_endpoint;  // nullopt: outside of every request
  std::int64_t bytes = 0;
  std::int64_t blocks = 0;
};

struct PlaceRow {
  std::int64_t id = 0;
  std::string function;
  std::string file;
  std::int64_t line = 0;
};

struct StackRow {
  std::int64_t id = 0;
  std::vector<std::int64_t> places;  // PlaceRow::id, innermost first
  bool truncated = false;
};

// Estimates from sampled blocks, each counted for those it stands for.
struct SiteRow {
  std::int64_t worker = 0;
  std::optional<std::int64_t> endpoint;
  std::optional<std::int64_t> stack;  // nullopt: no Python code was running
  std::int64_t samples = 0;
  double allocated_bytes = 0;
  double peak_bytes = 0;  // live at the peak of their request, summed over requests
  double retained_bytes = 0;
  double retained_blocks = 0;
  std::int64_t retained_samples = 0;
};

// What a mapping of a process is (recording/segments.h says how it is told).
enum class SegmentKind {
  kPythonArenas,
  kMallocHeap,
  kOtherAnonymous,
  kLibraries,    // and programs: files of which some part is executable
  kMappedFiles,  // other files
  kSharedMemory,
  kStacks,
  kHeapledger
};
inline constexpr std::size_t kSegmentKinds = 8;

struct SegmentRow {
  SegmentKind kind = SegmentKind::kOtherAnonymous;
  std::int64_t rss_bytes = 0;
  std::int64_t shared_bytes = 0;
  std::int64_t private_bytes = 0;
};

// /proc/PID/smaps of a worker, read the first and the latest time.
struct SegmentReadingRow {
  std::int64_t worker = 0;
  bool first = false;
  std::int64_t at_us = 0;
  std::optional<std::int64_t> rss_bytes;  // all of these nullopt: it could not be read
  std::optional<std::int64_t> pss_bytes;
  std::string reason;  // why it could not
  std::vector<SegmentRow> segments;
};

// What a model of capacity wants of a finished request, as in RequestRow.
struct RequestLevelRow {
  std::int64_t endpoint = 0;
  std::int64_t started_us = 0;
  std::int64_t duration_us = 0;
  std::int64_t received_bytes = 0;
  std::int64_t peak_bytes = 0;
  double byte_seconds = 0;
  std::optional<std::int64_t> curve;
};

// How many requests of an endpoint a worker has rows of, when the first and the last of them started, and how far they
// overlap.
struct RequestSpanRow {
  std::int64_t worker = 0;
  std::int64_t endpoint = 0;
  std::int64_t requests = 0;
  std::int64_t first_started_us = 0;
  std::int64_t last_started_us = 0;
  std::int64_t ended_meanwhile = 0;  // summed over its requests: how many others of it ended while that one ran
};

// What an endpoint's responses say of its end: the headers Deprecation (RFC 9745) and Sunset (RFC 8594), empty for
// none.
struct EndpointNoticeRow {
  std::int64_t endpoint = 0;
  std::string deprecation;
  std::string sunset;
};

// What code that the service marked as there for compatibility only took, summed in a worker.
struct CompatMarkRow {
  std::int64_t worker = 0;
  std::optional<std::int64_t> endpoint;  // nullopt: outside of every route
  std::string name;
  std::int64_t calls = 0;
  std::int64_t allocated_bytes = 0;
  std::int64_t peak_bytes = 0;  // the highest of one call
  std::int64_t duration_us = 0;
};

// Of a request what the comparison of versions needs.
struct RequestCostRow {
  std::int64_t worker = 0;
  std::int64_t endpoint = 0;
  std::int64_t started_us = 0;
  std::int64_t duration_us = 0;
  std::int32_t status = 0;
  std::uint32_t flags = 0;
  std::int64_t received_bytes = 0;
  std::int64_t sent_bytes = 0;
  std::int64_t allocated_bytes = 0;
  std::int64_t peak_bytes = 0;
  std::int64_t escaped_bytes = 0;
  double byte_seconds = 0;
};

}  // namespace heapledger::recording
