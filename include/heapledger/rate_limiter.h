// How much traffic the memory holds, and which limits keep it there: RateLimiter, the verb `heapledger limits`.
//
// Conventions, errors and thread-safety as in recording_info.h. Figures of what was recorded (requests, byte-seconds,
// peaks) are exact; rates of exhaustion are of a model (docs/limits.md), with intervals at
// LimitsResult::confidence_ratio. What cannot be said is absent, and `missing` or a row's `reason` says why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "heapledger/recording_info.h"

namespace heapledger::analysis {

// Why no limit can be stated.
enum class LimitsMissing {
  kNothing,         // they can
  kNoTraffic,       // nothing recorded
  kTooFewRequests,  // see LimitsResult::requests_needed
  kNoTime,          // all requests started at one moment: there is no rate
  kNoLimit,         // neither recorded nor given
  kNoMemorySample,  // the recording does not say what the idle service takes
  kBelowBaseline    // the idle service alone takes the limit, or more
};

// headroom = (limit - baseline) / overhead_ratio: live bytes of requests that fit.
struct MemoryBudget {
  std::optional<std::uint64_t> limit_bytes;
  std::string source;                           // "--memory-limit", "cgroup v2", "cgroup v1", "host"; empty: not known
  std::optional<std::uint64_t> baseline_bytes;  // of all processes, without any request
  std::optional<double> overhead_ratio;         // resident bytes for each live byte of requests, at the highest moment
  bool overhead_measured = false;               // false: requests held too little to tell; baseline has it all
  std::optional<std::uint64_t> headroom_bytes;
  std::uint64_t processes = 0;  // that baseline_bytes is of
};

struct RequestTypeCost {
  EndpointId endpoint;
  std::uint64_t requests = 0;
  double requests_per_second = 0;
  double byte_seconds = 0;                       // mean of a request
  std::optional<std::uint64_t> effective_bytes;  // to be reckoned with while one runs, at the stated risk
  std::optional<std::uint64_t> p99_peak_bytes;   // from 100 requests on
  std::optional<double> tail_index;              // of the peaks; from about 250 requests on
  std::optional<double> tail_index_error;        // standard error
  std::optional<std::uint64_t> tokens;           // of MemoryLimits::token_byte_seconds each
  std::string reason;                            // why effective bytes are absent where others have them
};

struct EndpointLimit {
  EndpointId endpoint;
  double requests_per_second_now = 0;
  std::optional<double> requests_per_second;
  std::optional<std::uint64_t> burst;
  std::optional<std::uint64_t> concurrency;
  std::optional<std::uint64_t> max_body_bytes;
  std::optional<std::uint64_t> largest_body_bytes;  // that was recorded
  std::string reason;                               // why something is absent; empty: nothing is
  bool any_concurrency = false;  // no limit is needed: more than kMostConcurrency keep within the risk
};

// Searches for requests at once end there: what keeps within the risk so far needs no limit.
inline constexpr std::uint64_t kMostConcurrency = std::uint64_t{1} << 20;

// They hold together: all endpoints at their rates stay within the risk; so does the concurrency by itself, whatever
// the rate.
struct MemoryLimits {
  std::optional<std::uint64_t> concurrency;
  std::optional<double> requests_per_second;
  std::optional<double> tokens_per_second;
  std::optional<std::uint64_t> token_capacity;
  std::optional<double> token_byte_seconds;
  std::vector<EndpointLimit> endpoints;
  std::optional<std::uint64_t> worker_count;  // processes of this kind that fit, at the recorded traffic
  std::uint64_t workers_now = 0;              // that all other figures are for
  std::optional<std::uint64_t> max_requests;  // of one worker, until its leak has taken what is spare
  std::optional<double> leak_bytes_per_request;
  bool any_concurrency = false;    // as EndpointLimit has it
  std::string concurrency_reason;  // why it is absent
  std::string worker_reason;       // why worker_count is absent
  // With worker_count workers in the place of the present ones.
  std::optional<std::uint64_t> worker_headroom_bytes;
  std::optional<std::uint64_t> worker_concurrency;
};

enum class ExhaustionMethod {
  kInversion,     // of the law of the recorded levels
  kTail,          // the larger part is from requests larger than any recorded, by the fitted tail
  kBeyondTheData  // it would all depend on requests much larger than any recorded
};
const char* name_of(ExhaustionMethod method) noexcept;  // "inversion", "tail", "beyond the data"

struct PerDay {
  double low = 0;
  double high = 0;
};

struct ExhaustionScenario {
  std::string scenario;
  std::optional<double> exceedances_per_day;
  std::optional<PerDay> exceedances_per_day_interval;
  std::optional<double> time_over_ratio;
  ExhaustionMethod method = ExhaustionMethod::kInversion;
  std::optional<double> seconds_to_exhaustion;  // mean time to the first; of a leak until it leaves too little
  std::optional<EndpointId> first;              // whose requests are most likely the ones that exceed
  // Beyond the data: the highest peak recorded, and from which peak on one request beside the mean of the others
  // exceeds.
  std::optional<std::uint64_t> largest_peak_bytes;
  std::optional<std::uint64_t> needed_peak_bytes;
  std::optional<double> recorded_per_day;  // likewise: how often requests as recorded exceed, without larger ones
};

struct BurstRoom {
  EndpointId endpoint;
  std::uint64_t from_idle = 0;  // requests at once, all at their peak at one moment, with 99 % certainty
  std::uint64_t from_now = 0;   // beside the recorded traffic
  double held_seconds = 0;      // while one holds more than half of its peak, mean
  double recovery_seconds = 0;  // until 99 % of them have ended, at least: at the recorded durations, which more
                                // requests at once than there are cores make longer
};

enum class LimitStrategy { kNone, kFixedRate, kTokenBucket, kConcurrency, kReservation };
const char* name_of(LimitStrategy strategy) noexcept;  // "none", "fixed_rate", "token_bucket", ...

// The recorded requests, sent again `load_ratio` times as fast.
struct StrategyOutcome {
  LimitStrategy strategy = LimitStrategy::kNone;
  double load_ratio = 1;
  std::uint64_t exceedances = 0;
  double time_over_ratio = 0;
  double goodput_per_second = 0;
  std::uint64_t rejected = 0;
  double rejected_ratio = 0;
  double wait_p99_seconds = 0;  // of those that were served
  bool recommended = false;
};

struct LimitsOptions {
  std::optional<Moment> since;  // traffic that started then or later
  std::optional<Moment> until;
  std::int64_t warmup_us = 0;
  std::optional<std::uint64_t> memory_limit_bytes;           // in place of the recorded one
  std::int64_t risk_us = std::int64_t{30} * 86'400'000'000;  // at most one exceedance in this time
  std::optional<std::size_t> limit;  // endpoints to show, 0 for all; absent: kTextLimit in text, else all
  // Endpoints to list; figures are of all of them, as they share the memory. `*` stands for any characters.
  std::vector<std::string> routes;
  std::vector<std::string> methods;  // in any case
};

enum class EmitTarget { kNginx, kGunicorn, kUvicorn, kFlaskLimiter, kSlowapi };
EmitTarget parse_emit_target(std::string_view name);  // "nginx", "gunicorn", "uvicorn", "flask-limiter", "slowapi"

struct LimitsResult {
  RecordingInfo recording;
  double confidence_ratio = 0.95;
  double risk_seconds = 0;
  LimitsMissing missing = LimitsMissing::kNothing;
  std::uint64_t requests = 0;
  std::uint64_t requests_needed = 0;
  double traffic_seconds = 0;                  // from the first request's start to the last one's
  std::uint64_t requests_without_curve = 0;    // their levels are bounded by a rectangle at their peak
  std::uint64_t folded_requests = 0;           // likewise, peaks by histogram
  std::uint64_t folded_requests_left_out = 0;  // of slices that lie only partly in the chosen time
  MemoryBudget budget;
  std::vector<RequestTypeCost> costs;  // by share of byte-seconds
  MemoryLimits limits;                 // endpoints as in costs
  std::vector<ExhaustionScenario> exhaustion;
  std::vector<BurstRoom> burst;  // as in costs
  std::vector<StrategyOutcome> strategies;
  std::uint64_t replayed_requests = 0;
  std::optional<std::size_t> limit;
  bool chosen = false;  // costs, limits.endpoints and burst are of the chosen routes and methods only
  std::vector<UnmatchedOption> unmatched;

  // --fail-on risk: the recorded traffic exceeds more often than the risk allows. Absent: not to be told.
  std::optional<bool> over_risk() const;

  std::string to_text() const;
  std::string to_json() const;
  std::string to_csv() const;
  // A configuration of another program that holds these limits. Throws std::invalid_argument, with the reason, where
  // none can be stated.
  std::string emit(EmitTarget target) const;
};

class RateLimiter {
 public:
  explicit RateLimiter(std::string recording_path);
  LimitsResult analyze(const LimitsOptions& options = {}) const;

 private:
  std::string recording_path_;
};

}  // namespace heapledger::analysis
