// What every endpoint's requests cost in memory, and whether the books balance: RequestIsolator::analyze(), the verb
// `heapledger requests`. Conventions as in recording_info.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "heapledger/recording_info.h"
#include "heapledger/sites.h"

namespace heapledger::analysis {

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

}  // namespace heapledger::analysis
