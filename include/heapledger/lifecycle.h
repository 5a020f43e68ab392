// How the memory of an endpoint's requests comes and goes: RequestIsolator::lifecycle(), `heapledger requests
// --lifecycle ROUTE`. Conventions as in recording_info.h.
//
// A request's live bytes are recorded as a curve: its time in sixteen equal parts, of each the mean level in fifteenths
// of the request's peak. So a level is known to a thirtieth of that peak; peaks, escaped bytes and times are exact.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "heapledger/recording_info.h"

namespace heapledger::analysis {

inline constexpr double kCurveErrorRatio = 1.0 / 30;  // of a request's peak

struct LifecycleOptions {
  std::string route;                   // a template as recorded; `*` stands for any characters
  std::vector<std::string> methods;    // in any case
  std::vector<std::int64_t> workers;   // WorkerCost::worker
  std::optional<Moment> since;         // requests that started then or later
  std::optional<Moment> until;         // requests that started before
  std::int64_t warmup_us = 0;          // leave out requests that started so soon after the recording did
  std::optional<std::size_t> slowest;  // name that many requests of each endpoint, the longest first ...
  std::optional<std::size_t> largest;  // ... or those with the highest peaks; not both
};

// One of the equal parts of a request's time.
struct LifecyclePart {
  double from_ratio = 0;
  double until_ratio = 0;
  std::uint64_t mean_bytes = 0;  // live, over the requests
  std::uint64_t p50_bytes = 0;
  std::uint64_t p90_bytes = 0;
  double peak_ratio = 0;      // of the requests: those whose peak falls here
  double released_ratio = 0;  // of all peaks together: what was live then and is not any more
};

// What one phase of a request took; of the requests whose phases were seen.
struct LifecyclePhase {
  std::string name;  // "read", "deserialize", "handle", "serialize", "send"
  std::uint64_t requests = 0;
  RealDistribution duration_seconds;
  IntegerDistribution allocated_bytes;
  IntegerDistribution peak_bytes;  // the highest that the request had live during it
};

// Of what escaped, what was freed at ages up to this one, and what was not. Ages count from the end of the request; of
// blocks that were handed to a cohort, from the end of its youngest request.
struct SurvivalAge {
  std::optional<double> until_seconds;  // absent: any age
  std::uint64_t freed_bytes = 0;        // between the age before and this one
  std::uint64_t left_bytes = 0;         // not freed by this age, younger ones included
  double left_ratio = 0;
};

// What became of the bytes that escaped from an endpoint's requests, over the whole recording and the chosen workers.
struct Survival {
  std::uint64_t escaped_bytes = 0;  // freed + retained
  std::uint64_t freed_bytes = 0;
  std::uint64_t retained_bytes = 0;  // still live when the books were read, whatever their age
  std::vector<SurvivalAge> ages;
};

struct LifecycleRequest {
  std::int64_t worker = 0;
  std::int64_t sequence = 0;  // its number in the worker
  std::int64_t started_unix_us = 0;
  double duration_seconds = 0;
  int status = 0;
  std::uint64_t in_flight_at_start = 0;  // itself included
  std::uint64_t in_flight_peak = 0;
  std::uint64_t allocated_bytes = 0;
  std::uint64_t peak_bytes = 0;
  std::optional<double> peak_at_ratio;  // of its time
  std::uint64_t escaped_bytes = 0;
  std::uint64_t after_response_bytes = 0;
  std::vector<std::uint64_t> live_bytes;  // by part; empty: its curve is not known
};

struct EndpointLifecycle {
  EndpointId endpoint;
  bool deprecated = false;
  std::uint64_t requests = 0;
  std::uint64_t requests_without_curve = 0;  // too short for one: they count in all but `parts` and peak_at_ratio
  RealDistribution duration_seconds;
  IntegerDistribution peak_bytes;
  std::optional<RealDistribution> peak_at_ratio;  // when the peak was reached, of a request's time
  std::vector<LifecyclePart> parts;               // sixteen; empty when no request has a curve
  std::vector<LifecyclePhase> phases;             // in their order; empty when none were seen
  IntegerDistribution escaped_bytes;
  double released_at_end_ratio = 0;  // of all peaks together: what was not live any more when the requests ended
  IntegerDistribution after_response_bytes;
  std::optional<Survival> survival;  // absent: survivors were not followed
  std::vector<LifecycleRequest> named;
};

struct LifecycleResult {
  RecordingInfo recording;
  std::string route;                         // as asked
  std::string named_by;                      // "slowest", "largest", or empty
  std::uint64_t recorded_requests = 0;       // in the recording, with a row of their own, whatever their endpoint
  std::uint64_t folded_requests = 0;         // of these endpoints, whose rows gave way to histograms: in no figure
  std::vector<EndpointLifecycle> endpoints;  // most requests first
  std::vector<UnmatchedOption> unmatched;

  std::string to_text() const;
  std::string to_json() const;
  std::string to_csv() const;
};

}  // namespace heapledger::analysis
