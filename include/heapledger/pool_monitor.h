// What connection pools hold, who holds it, and what size they should have: PoolMonitor, the verb `heapledger pools`.
//
// Conventions, errors and thread-safety as in recording_info.h. Pools of one name and library in several workers are
// one PoolUse: its counts, sizes and bytes are sums over the workers that ran at the end, its limits those of each. A
// pool that was closed with its worker is shown as it stood when it was last used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "heapledger/recording_info.h"
#include "heapledger/sites.h"

namespace heapledger::analysis {

enum class PoolPattern { kStable, kGrowing, kSawtooth, kShrinking, kBursty, kUnknown };
const char* name_of(PoolPattern pattern) noexcept;  // "stable", "growing", "sawtooth", "shrinking", "bursty", "unknown"

// How a pool moved over time, and the figures that it is told by. Of the worker whose pool speaks for the others.
struct PoolTrend {
  PoolPattern pattern = PoolPattern::kUnknown;
  bool of_size = false;           // else of the connections in use
  std::uint64_t first = 0;        // growing: least at first; shrinking: most at first; bursty: usual; stable: least
  std::uint64_t last = 0;         // ... of late; bursty and sawtooth: the height; stable: most
  std::uint64_t cycles = 0;       // sawtooth, bursty: how often
  double time_ratio = 0;          // bursty: share of the time above half of the height
  bool from_first = false;        // stable: since the first event; else without the first eighth of the time
  std::uint64_t checkouts = 0;    // of the pool that was judged
  std::uint64_t needed = 0;       // unknown: checkouts that it takes
  std::uint64_t pools = 0;        // that were judged
  std::uint64_t pools_alike = 0;  // of these, with this pattern
};

enum class PoolLeakKind { kNeverReturned, kOrphan, kClosedKept, kHeldLong };
const char* name_of(PoolLeakKind kind) noexcept;  // "never_returned", "orphan", "closed_kept", "held_long"

// Whose a connection is, or was last.
struct PoolRequest {
  std::uint64_t sequence = 0;  // its number in its worker
  std::string method;          // empty with an empty route: the route was not known yet
  std::string route;
  std::string version;
};

struct PoolLeak {
  PoolLeakKind kind = PoolLeakKind::kNeverReturned;
  std::int64_t worker = 0;
  std::int64_t connection = 0;  // its number in its pool
  std::optional<PoolRequest> request;
  std::optional<double> held_seconds;  // since it was taken out; absent when it is not known when
  std::uint64_t live_bytes = 0;
  CodeStack stack;    // where it was taken out
  bool gone = false;  // orphan: it is no longer alive, and its pool did not close it
  // held_long: what a hold so long is compared with.
  double threshold_seconds = 0;
  std::uint64_t holds = 0;
  std::uint64_t open_bytes = 0;  // closed_kept: what it held while it was open
};

enum class ConnectionState { kIdle, kInUse, kClosed, kClosedKept, kOrphan };
const char* name_of(ConnectionState state) noexcept;  // "idle", "in_use", "closed", "closed_kept", "orphan"

struct PoolConnection {
  std::int64_t worker = 0;
  std::int64_t id = 0;  // its number in its pool
  ConnectionState state = ConnectionState::kIdle;
  double age_seconds = 0;              // since it was made, to the end or until it was closed
  std::optional<double> idle_seconds;  // since its last use; of idle ones
  std::uint64_t live_bytes = 0;
  std::optional<std::uint64_t> native_bytes;  // part of live_bytes
  std::optional<PoolRequest> request;         // that took it out last
  bool stale = false;
};

struct PoolEndpoint {
  std::string method;  // empty with an empty route: outside of every request, or the route was not known yet
  std::string route;
  std::string version;
  std::uint64_t checkouts = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t most_held = 0;  // by one request at one time
  std::optional<RealDistribution> wait_seconds;
  std::optional<RealDistribution> hold_seconds;
};

struct PoolMemory {
  std::uint64_t live_bytes = 0;                             // of all its connections, what closed ones keep included
  std::optional<IntegerDistribution> per_connection_bytes;  // each while it was open, at the latest that is known
  // Absent when use says too little of what is idle for too long.
  std::optional<std::uint64_t> stale_bytes;
  std::uint64_t closed_kept_bytes = 0;
};

enum class PoolSetting { kMaxSize, kMinSize, kMaxOverflow, kRecycle, kTimeout };

// What a recommendation rests on.
enum class PoolGrounds {
  kWaiting,     // max: with the load of the busiest time, so few would wait
  kDeadlock,    // max: requests that hold several at once could block each other for ever
  kBudget,      // max: more would not fit into the memory that is left
  kKept,        // min and overflow: how many are in use at most, nearly all of the time
  kAlwaysNew,   // recycle: connections are made for every use
  kGrows,       // recycle: a connection grows while it is used
  kLongTimeout  // timeout: nobody who got a connection waited so long
};

struct PoolRecommendation {
  PoolSetting setting = PoolSetting::kMaxSize;
  PoolGrounds grounds = PoolGrounds::kWaiting;
  std::string name;               // as the library calls the setting
  std::optional<double> current;  // connections, or seconds; absent: not known, or without a limit
  double suggested = 0;
  // Now held beyond what is suggested, in all workers; below zero: what the suggestion may take more.
  std::int64_t saves_bytes = 0;
  std::string config;  // the line to write

  // What the reason is written from.
  double load = 0;             // connections in use on average in the busiest time, of one worker
  double wait_ratio = 0;       // of checkouts that would wait, at most
  double hold_seconds = 0;     // mean
  double per_second = 0;       // checkouts of one worker, in the busiest time
  std::uint64_t held = 0;      // by one request
  std::uint64_t requests = 0;  // at one time
  double level = 0;            // connections in use, that so much of the time is not above
  double level_ratio = 0;
  double longest_seconds = 0;  // wait
  double bytes_each = 0;       // a connection; kGrows: that it grows by a second
  std::uint64_t workers = 0;
};

struct PoolUse {
  std::string name;
  std::string library;
  std::uint64_t workers = 0;         // that ran at the end and had it
  std::uint64_t closed_workers = 0;  // of these, where it was closed when the recording ended
  std::uint64_t size = 0;
  std::uint64_t in_use = 0;
  std::uint64_t idle = 0;
  std::optional<std::uint64_t> min_size;  // of each worker
  std::optional<std::uint64_t> max_size;  // of each worker, overflow included; absent: no limit, or not known
  std::optional<double> timeout_seconds;
  std::optional<double> recycle_seconds;
  std::optional<std::uint64_t> waiters;  // absent: the library does not tell
  std::uint64_t most_in_use = 0;         // at one time in one worker; the same for most_waiters
  std::optional<std::uint64_t> most_waiters;
  std::uint64_t checkouts = 0;  // all workers of the recording, also in what follows
  std::uint64_t timeouts = 0;
  std::uint64_t created = 0;
  std::uint64_t closed = 0;
  std::optional<RealDistribution> wait_seconds;
  std::optional<RealDistribution> hold_seconds;  // of those that were returned
  std::optional<double> hold_threshold_seconds;  // held_long begins there; absent: too few holds to say
  PoolMemory memory;
  PoolTrend trend;
  std::vector<PoolEndpoint> endpoints;      // most checkouts first
  std::vector<PoolConnection> connections;  // that are open, orphans or keep bytes; by worker, number
  std::vector<PoolLeak> leaks;              // worst kind first, then the longest held
  std::uint64_t needed_checkouts = 0;       // until sizes can be recommended; 0: they can
  std::uint64_t lost = 0;                   // never returned, or orphans: while there are any, no size is recommended
  std::vector<PoolRecommendation> recommendations;
};

struct PoolsOptions {
  std::vector<std::string> pools;     // names; `*` stands for any characters
  std::vector<std::int64_t> workers;  // WorkerCost::worker
  std::optional<std::uint64_t> memory_limit_bytes;
  std::optional<std::size_t> limit;  // leaks and endpoints of each pool to show in text, 0 for all; absent: kTextLimit
};

struct PoolsResult {
  RecordingInfo recording;
  std::optional<std::uint64_t> memory_limit_bytes;
  std::uint64_t dropped_events = 0;                  // lost on the way: what they said is in no figure
  std::uint64_t folded_events = 0;                   // the oldest, given up for --max-size: in no figure either
  std::optional<std::int64_t> events_since_unix_us;  // from when on they are kept, where some were given up
  std::vector<PoolUse> pools;                        // most bytes first
  std::vector<UnmatchedOption> unmatched;
  std::optional<std::size_t> limit;

  // --fail-on leak: true when a connection was never returned, is an orphan or closed but kept; long holds are a
  // suspicion only. Absent when there is none and no pool was used.
  std::optional<bool> has_leak() const;

  std::string to_text() const;
  std::string to_json() const;
  std::string to_csv() const;
};

// Reads one recording, each time analyze() is called.
class PoolMonitor {
 public:
  explicit PoolMonitor(std::string recording_path);
  PoolsResult analyze(const PoolsOptions& options = {}) const;

 private:
  std::string recording_path_;
};

}  // namespace heapledger::analysis
