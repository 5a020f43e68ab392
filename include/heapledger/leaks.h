// Which endpoints keep memory, and how: RequestIsolator::leaks(), the verb `heapledger leaks`.
//
// Conventions, errors and thread-safety as in recording_info.h. Rates are estimates over birth cohorts, with intervals
// at LeaksResult::confidence_ratio; what lives is exact; what sites hold is estimated from sampled blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "heapledger/recording_info.h"
#include "heapledger/sites.h"

namespace heapledger::analysis {

enum class LeakVerdict {
  kLeak,     // every cohort keeps as much, and nothing that old is freed
  kGrowing,  // keeps, but less and less, or too unevenly to tell a leak from a cache that fills
  kCache,    // holds what is young, frees what is old
  kWarmup,   // only the first requests left something
  kNone,     // nothing that grows
  kUnknown   // too little was recorded to say
};
const char* name_of(LeakVerdict verdict) noexcept;  // "leak", "growing", "cache", "warmup", "none", "unknown"

// What a verdict rests on.
enum class LeakGrounds {
  kEveryCohortKeeps,
  kPairKeeps,       // with shared_with: their sum is level, neither alone is
  kAddsLess,        // growing
  kUneven,          // growing
  kOldFreed,        // cache
  kFirstOnly,       // warmup
  kNothing,         // none
  kTooFewRequests,  // unknown: see requests_needed
  kNoSurvivorsKept  // unknown: the recording does not say what outlived its requests
};

// Stacks that allocate at one line of the application, called from anywhere. Estimates from `samples` sampled blocks.
struct LeakSite {
  CodeStack stack;
  EstimatedBytes retained_bytes;
  std::uint64_t retained_blocks = 0;
  std::uint64_t samples = 0;
  double share_ratio = 0;  // of what all sites of the endpoint retain
};

struct ByteRate {
  double low = 0;
  double high = 0;
};

struct LeakFinding {
  std::string method;
  std::string route;
  std::string version;  // empty when none
  bool deprecated = false;
  LeakVerdict verdict = LeakVerdict::kUnknown;
  LeakGrounds grounds = LeakGrounds::kNoSurvivorsKept;
  std::optional<double> bytes_per_request;             // leak and growing
  std::optional<ByteRate> bytes_per_request_interval;  // leak
  std::optional<std::uint64_t> retained_bytes;         // by all its survivors; absent when the recording has none
  std::uint64_t requests = 0;                          // that ended, in the chosen workers
  std::optional<std::uint64_t> requests_to_limit;      // leak, when a limit is known
  std::optional<double> seconds_to_limit;              // at the rate that was recorded
  std::optional<std::uint64_t> smallest_leak_bytes;    // a request: what would have been found here
  std::vector<LeakSite> sites;                         // largest first
  std::vector<EndpointId> shared_with;                 // whose figures cannot be told from these

  // What the reason is written from.
  std::uint64_t since_request = 0;         // leak: it keeps since; cache: it frees since; warmup: nothing since
  std::uint64_t cohorts = 0;               // judged, in the worker with most requests
  std::uint64_t oldest_free_requests = 0;  // no block older than so many requests was ever freed
  double early_bytes_per_request = 0;      // growing
  std::uint64_t worker_requests = 0;       // of the worker with most
  std::uint64_t requests_needed = 0;       // in one worker
  bool needed_for_overlap = false;         // that many because so many of its requests run at once
  std::uint64_t workers = 0;               // that were judged
  std::uint64_t workers_alike = 0;         // of these, with this verdict
};

struct LeaksOptions {
  std::vector<std::string> routes;    // templates as recorded; `*` stands for any characters
  std::vector<std::string> methods;   // in any case
  std::vector<std::int64_t> workers;  // WorkerCost::worker
  std::optional<std::uint64_t> memory_limit_bytes;
  std::optional<std::size_t> limit;  // findings to show, 0 for all; absent: kTextLimit in text, all elsewhere
};

struct LeaksResult {
  RecordingInfo recording;
  double confidence_ratio = 0.95;
  std::vector<LeakFinding> findings;  // leaks first, then growing, cache, warm-up, none, unknown; by bytes
  std::optional<std::uint64_t> memory_limit_bytes;
  std::optional<std::uint64_t> rss_bytes;            // of the chosen workers, at their latest samples
  std::optional<double> seconds_to_limit;            // of all leaks together
  std::optional<std::uint64_t> smallest_leak_bytes;  // over the findings that are no leak
  std::uint64_t lost_samples = 0;                    // blocks of the chosen workers that no site speaks of, and should
  std::uint64_t lost_survivor_bytes = 0;             // in no cohort, for want of room: rates are that much too small
  std::vector<UnmatchedOption> unmatched;
  std::optional<std::size_t> limit;

  // --fail-on leak: true when there is a leak, absent when there is none and no endpoint could be judged.
  std::optional<bool> has_leak() const;

  std::string to_text() const;
  std::string to_json() const;
  std::string to_csv() const;
};

}  // namespace heapledger::analysis
