// What a recording says, for programs: the analyses behind the verbs of the command line, as C++ classes.
//
// Each class is constructed on the path of a recording; analyze() reads it and returns plain values, whose to_text(),
// to_json() and to_csv() are byte for byte what the command line prints. Sizes are bytes, times seconds, as the names
// say. std::nullopt means "not measured" or "too little data to say", never zero.
// Errors: std::runtime_error with one line when the file is not a readable recording, std::invalid_argument with one
// line when an option makes no sense. Thread-safety: objects of different threads are independent; one object is for
// one thread at a time. Allocates. Links nothing of the recorded service; fork-safe between calls.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "heapledger/sites.h"

namespace heapledger::analysis {

// Percentiles by nearest rank: the smallest value that at least p % of the values do not exceed, so every percentile
// is a value that was really seen. p99 is absent under 100 values, where it would be no more than the maximum.
template <class Value>
struct Distribution {
  double mean = 0;
  Value p50{};
  Value p90{};
  Value p95{};
  std::optional<Value> p99;
  Value max{};
};
using IntegerDistribution = Distribution<std::uint64_t>;
using RealDistribution = Distribution<double>;

// A point in time given by a user: counted from the recording's start, back from its end, or of the calendar.
struct Moment {
  enum class Base { kStart, kEnd, kUnix };
  Base base = Base::kStart;
  std::int64_t offset_us = 0;  // kEnd: not positive

  // "90", "90s", "1.5m", "2h": after the start. "-5m": before the end. "2026-11-24T14:05:33Z", also with a fraction, a
  // blank for the T, or an offset for the Z; neither means UTC.
  static Moment parse(std::string_view text);
};

// "90", "90s", "250ms", "1.5m", "2h", "1d" in microseconds; not negative.
std::int64_t parse_duration_us(std::string_view text);

enum class RequestsSort {
  kCost,
  kRequests,
  kErrors,
  kPeak,
  kAllocated,
  kEscaped,
  kRetained,
  kDuration,
  kConcurrency,
  kRoute
};
RequestsSort parse_requests_sort(std::string_view name);

// Which requests to look at, and how to show them. An empty list does not restrict.
struct RequestsOptions {
  std::vector<std::string> routes;    // templates as recorded; `*` stands for any characters
  std::vector<std::string> methods;   // in any case
  std::vector<std::int64_t> workers;  // WorkerCost::worker
  std::optional<Moment> since;        // requests that started then or later
  std::optional<Moment> until;        // requests that started before
  std::int64_t warmup_us = 0;         // leave out requests that started so soon after the recording did
  RequestsSort sort = RequestsSort::kCost;
  std::optional<std::size_t> limit;  // endpoints to show, 0 for all; absent: kTextLimit in text, all elsewhere
};
inline constexpr std::size_t kTextLimit = 15;

enum class RecordingState {
  kClosed,
  kBeingWritten,
  kCollectorKilled,  // and nobody has finished it since
  kCutShort,         // it has an end and lacks something: its collector was killed, or could not write on
  kNotClosed         // one of the two in the middle: its writer cannot be seen from here
};
const char* name_of(RecordingState state) noexcept;  // "closed", "being_written", "collector_killed", "cut_short" ...

struct RecordingInfo {
  std::string path;
  int schema_version = 0;
  std::string heapledger_version;
  std::int64_t started_unix_us = 0;
  double duration_seconds = 0;  // to its end, or while it is written to the latest thing it holds
  std::string command;          // argv[0] of the recorded command
  std::string python;           // "3.11.2"; of several, all of them, "3.11.2, 3.12.1"
  std::string mode;
  bool native = false;
  std::uint64_t worker_count = 0;  // that served a request; all if none did
  bool complete = false;
  RecordingState state = RecordingState::kClosed;
  std::uint64_t dropped_requests = 0;
};

// The books: allocated - freed == live. `balanced` compares them with the walk over the block map at each worker's
// freeze: absent when a worker ended without one or lost its hooks, or when some processes are in no figure.
struct Accounting {
  std::uint64_t allocated_bytes = 0;
  std::uint64_t freed_bytes = 0;
  std::int64_t live_bytes = 0;
  std::uint64_t unattributed_bytes = 0;  // of the allocated: by the service itself and by imports
  std::uint64_t dropped_requests = 0;
  std::uint64_t workers_without_ledger = 0;  // had no room for one: their requests are in no figure
  bool run_folder_lost = false;              // removed while in use: processes that started then are in no figure
  std::optional<bool> balanced;
  std::uint64_t approximate_requests = 0;  // served while no owner slot was free
  std::uint64_t untracked_blocks = 0;      // no room in the block map: in no figure
  std::uint64_t lost_frees = 0;            // nobody reported them: another block took their place
  std::uint64_t folded_endpoints = 0;      // requests booked under <other>
  // Of a recording that is still written: when the books, and with them what is retained, were read (the oldest, of
  // several workers), and how long before the end of the latest request; absent when they are not behind.
  std::optional<std::int64_t> books_at_unix_us;
  std::optional<double> books_behind_seconds;
};

// Of the processes that were alive when the last one started, each at its latest sample: workers that others had
// replaced by then would be counted twice. rss == live + allocator_retained + other + heapledger, so other_bytes is
// negative where booked memory was never touched or is swapped out. All absent when nothing was sampled.
struct MemoryUse {
  std::uint64_t processes = 0;
  std::optional<std::uint64_t> rss_bytes;
  std::optional<std::int64_t> live_bytes;
  std::optional<std::uint64_t> allocator_retained_bytes;
  std::optional<std::int64_t> other_bytes;
  std::optional<std::uint64_t> heapledger_bytes;
  std::optional<std::uint64_t> native_live_bytes;  // part of live_bytes; absent where native memory was not seen
  std::vector<std::string> unseen_packages;        // with allocators of their own: what they hold is in other_bytes
};

// kFrozen: in order, its books closed and audited; kStopped: asked to stop by a signal, or left without its exit
// callbacks; kDied: killed, or nobody can tell.
enum class WorkerEnding { kRunning, kFrozen, kStopped, kDied, kDisplaced };
const char* name_of(WorkerEnding ending) noexcept;  // "running", "frozen", "stopped", "died", "displaced"

// A process that kept a ledger. Not all serve: a supervisor, a reloader, a master that loaded the application.
struct WorkerCost {
  std::int64_t worker = 0;  // what --worker takes
  bool serves = false;      // it had a request; where none had, a server was found in it
  std::int64_t pid = 0;
  std::string python;
  std::string server;
  WorkerEnding ending = WorkerEnding::kRunning;
  std::optional<int> end_signal;  // that ended it; absent when none did, or nobody can tell
  std::uint64_t requests = 0;     // with a row of their own
  std::int64_t live_bytes = 0;
  std::optional<std::int64_t> audited_live_bytes;
  std::optional<std::uint64_t> audited_owner_mismatches;
  std::optional<bool> balanced;
  std::optional<std::uint64_t> rss_bytes;
};

// Requests in flight in the same worker, the request itself included: 1 is alone.
struct Concurrency {
  std::optional<double> mean;       // of what each request found when it started; of single rows, as histograms lack it
  std::uint64_t max = 0;            // of what any of them saw while it ran
  std::optional<double> alongside;  // mean without the request itself
};

struct EndpointCost {
  std::string method;
  std::string route;
  std::string version;  // empty when none
  bool deprecated = false;
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;  // status 500 and above, or raised
  Concurrency concurrency;
  IntegerDistribution allocated_bytes;
  IntegerDistribution allocations;
  IntegerDistribution peak_bytes;
  std::optional<IntegerDistribution> native_allocated_bytes;
  std::optional<IntegerDistribution> native_peak_bytes;
  IntegerDistribution isolated_bytes;
  IntegerDistribution escaped_bytes;
  IntegerDistribution adopted_bytes;
  IntegerDistribution after_response_bytes;  // by background tasks; not part of allocated_bytes
  // Live bytes of this endpoint's ended requests at the end of the recording (of the chosen workers; of all its
  // requests, also those that --since, --until and --warmup leave out).
  std::uint64_t retained_bytes = 0;
  std::uint64_t recorded_requests = 0;  // the requests that retained_bytes belongs to
  // Both without one request of each worker, the one that had most live when it ended: it may have filled something
  // once. What it had live then is taken off as if all of it were retained.
  std::uint64_t recurring_bytes = 0;  // and of the requests that had ended when the books were read
  std::uint64_t recurring_requests = 0;
  RealDistribution byte_seconds;
  double total_byte_seconds = 0;
  double cost_ratio = 0;  // its share of the byte-seconds of every request in the chosen time and workers
  RealDistribution duration_seconds;
};

struct Holder {
  std::string method;  // empty with an empty route: the route was not known yet
  std::string route;
  std::string version;
  std::uint64_t live_bytes = 0;
};

struct HolderGroup {
  std::string method;
  std::string route;
  std::string version;
  std::uint64_t requests = 0;
  std::uint64_t live_bytes = 0;
};

// The highest moment of one worker's live bytes, and who held them.
struct Peak {
  std::int64_t at_unix_us = 0;
  double after_start_seconds = 0;
  std::int64_t worker = 0;
  std::uint64_t live_bytes = 0;
  std::uint64_t in_flight_requests = 0;
  std::vector<Holder> in_flight;         // largest first, at most 64
  std::vector<HolderGroup> by_endpoint;  // the same, summed, largest first
  // Of the rest: the service, imports and ended requests. Absent when not every request in flight is listed.
  std::optional<std::uint64_t> outside_bytes;
};

// What the eye should go to. Each is a fact about one endpoint of RequestsResult::endpoints, not a verdict.
enum class FindingKind {
  kKeeps,  // its requests leave memory behind, request after request
  kCost,   // it takes at least half of all byte-seconds, and is not the only endpoint
  kPeak    // its requests held at least half of the highest peak
};
const char* name_of(FindingKind kind) noexcept;  // "keeps", "cost", "peak"

struct Finding {
  FindingKind kind = FindingKind::kCost;
  std::size_t endpoint = 0;       // index into endpoints
  std::uint64_t bytes = 0;        // kKeeps: a request, at least; kPeak: held by its requests at the peak
  std::uint64_t total_bytes = 0;  // kKeeps: retained by all; kPeak: the peak
  double ratio = 0;               // kCost: share; kPeak: share
};

// Requests whose single rows gave way to histograms (--max-size). Their counts, means and maxima are exact;
// percentiles of endpoints that have some are within percentile_error_ratio.
struct Folded {
  std::int64_t single_requests_since_unix_us = 0;
  std::uint64_t requests = 0;           // counted in the endpoints
  std::uint64_t requests_left_out = 0;  // not counted: the options cut through their slice
  double percentile_error_ratio = 0;
};

// A route or method that was asked for and that the recording does not have.
struct UnmatchedOption {
  std::string option;  // "route" or "method"
  std::string value;
  std::string nearest;  // what was probably meant, empty when nothing is near
};

struct RequestsResult {
  RecordingInfo recording;
  Accounting accounting;
  MemoryUse memory;
  std::uint64_t requests = 0;           // sum over endpoints
  std::uint64_t recorded_requests = 0;  // in the recording, chosen or not
  std::vector<EndpointCost> endpoints;  // all of them, sorted as asked
  std::uint64_t in_flight_at_end = 0;
  std::vector<Peak>
      peaks;  // one per worker, highest first; with --since and the like those that are surely the highest
  std::optional<std::int64_t> peak_outside_unix_us;  // the highest moment was then, outside of the chosen time
  std::vector<WorkerCost> workers;
  std::vector<Finding> findings;
  std::optional<Folded> folded;
  std::vector<UnmatchedOption> unmatched;
  // With routes in the options: where the chosen endpoints allocate, over the whole recording.
  bool sites_asked = false;
  std::vector<RequestSite> sites;  // by endpoint, largest allocated bytes first
  std::optional<std::size_t> limit;

  std::string to_text() const;  // as written to a file: no colour, nothing shortened to a width
  std::string to_json() const;
  std::string to_csv() const;
};

// ---- segments: what kinds of memory the processes hold, what they share, whose blocks go where ----

// What a mapping of a process is. Not told apart by guess: what nothing proves is kOtherAnonymous.
enum class SegmentKind {
  kPythonArenas,
  kMallocHeap,
  kOtherAnonymous,
  kLibraries,
  kMappedFiles,
  kSharedMemory,
  kStacks,
  kHeapledger
};
const char* name_of(SegmentKind kind) noexcept;  // "python_arenas", "malloc_heap", "other_anonymous" ...

struct Segment {
  SegmentKind kind = SegmentKind::kOtherAnonymous;
  std::uint64_t rss_bytes = 0;      // == shared + private
  std::uint64_t shared_bytes = 0;   // in pages that other processes map too
  std::uint64_t private_bytes = 0;  // in pages that only this one maps
};

struct SegmentsOptions {
  std::vector<std::int64_t> workers;  // SegmentsWorker::worker; empty: all
};

// A process at its latest reading. The sizes are absent when it could not be read.
struct SegmentsWorker {
  std::int64_t worker = 0;  // what --worker takes
  bool serves = false;      // as in WorkerCost
  std::int64_t pid = 0;
  std::int64_t parent_pid = 0;
  bool in_group = false;  // it ran when the last one that came was first read: it counts in the group
  std::optional<std::int64_t> read_at_unix_us;
  std::optional<std::int64_t> first_read_at_unix_us;
  std::optional<std::uint64_t> rss_bytes;
  std::optional<std::uint64_t> pss_bytes;
  std::optional<std::uint64_t> uss_bytes;  // private: what its end would give back
  std::optional<std::uint64_t> shared_bytes;
  // At most so much of what it shared with its parent at its first reading it has for itself now. Absent unless its
  // parent is of the recording, and it was read twice.
  std::optional<std::uint64_t> unshared_bytes;
  std::string unread;             // why it could not be read; empty: it was, or ended too soon
  std::vector<Segment> segments;  // largest first, without those of no size
};

// Sums over the processes in the group. Absent when none was read.
struct SegmentsGroup {
  std::uint64_t processes = 0;
  std::optional<std::uint64_t> rss_bytes;
  std::optional<std::uint64_t> pss_bytes;
  std::optional<std::uint64_t> uss_bytes;
  std::optional<std::uint64_t> saved_bytes;  // rss - pss
  std::optional<std::uint64_t> unshared_bytes;
  std::vector<Segment> segments;
};

// What became of the blocks of one endpoint's requests.
struct EndpointBlocks {
  std::string method;
  std::string route;
  std::string version;         // empty when none
  std::uint64_t requests = 0;  // with a figure
  std::uint64_t isolated_bytes = 0;
  std::uint64_t escaped_bytes = 0;
  std::optional<std::uint64_t> handed_off_bytes;  // of the escaped, freed by another request; absent: not recorded
  std::uint64_t adopted_bytes = 0;                // freed by its requests, allocated by others
  std::uint64_t retained_bytes = 0;               // of the escaped, still live when the books were read
};

// Blocks that escaped from requests of one endpoint and were freed by requests of another, or of the same.
struct BlockFlow {
  std::string from_method;
  std::string from_route;
  std::string to_method;  // empty with an empty route: freed outside of every request
  std::string to_route;
  std::uint64_t bytes = 0;
  std::uint64_t blocks = 0;
};

struct SegmentsResult {
  RecordingInfo recording;
  std::vector<SegmentsWorker> workers;
  SegmentsGroup group;
  std::vector<EndpointBlocks> blocks;  // most escaped first
  std::vector<BlockFlow> flows;        // largest first

  std::string to_text() const;
  std::string to_json() const;
  std::string to_csv() const;
};

struct LeaksOptions;  // heapledger/leaks.h
struct LeaksResult;

// What every endpoint's requests cost in memory, and whether the books balance.
class RequestIsolator {
 public:
  explicit RequestIsolator(std::string recording_path);
  RequestsResult analyze(const RequestsOptions& options = {}) const;
  SegmentsResult segments(const SegmentsOptions& options = {}) const;
  LeaksResult leaks(const LeaksOptions& options) const;

 private:
  std::string recording_path_;
};

}  // namespace heapledger::analysis
