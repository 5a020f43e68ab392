// What runs beside what, and what differs when it does: RequestIsolator::interference(), `heapledger requests
// --interference`. Conventions as in recording_info.h.
//
// "Beside" is in flight in the same worker when the request started: longer requests meet more of everything while they
// run, so what comes later would look like a cause of length. Differences are estimates over blocks of consecutive
// requests, with intervals at InterferenceResult::confidence_ratio; they are no proof of a cause.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "heapledger/recording_info.h"
#include "heapledger/requests.h"

namespace heapledger::analysis {

struct InterferenceOptions {
  std::vector<std::string> routes;    // of the endpoints that are looked at; beside them is whatever ran
  std::vector<std::string> methods;   // in any case
  std::vector<std::int64_t> workers;  // WorkerCost::worker
  std::optional<Moment> since;        // requests that started then or later
  std::optional<Moment> until;        // requests that started before
  std::int64_t warmup_us = 0;         // leave out requests that started so soon after the recording did
  std::optional<std::size_t> limit;   // pairs to show, 0 for all; absent: kTextLimit in text, all elsewhere
};

// Durations are geometric means, so that a ratio is the same either way round.
struct DurationDifference {
  double ratio = 1;  // beside / apart
  double low = 1;
  double high = 1;
  double beside_seconds = 0;
  double apart_seconds = 0;
  bool shown = false;  // the ratio is surely not 1, as sure as many pairs can be: see the page
};

// Of the most bytes that all requests in flight of the worker had live at one moment of the request, by their curves.
struct PeakDifference {
  double bytes = 0;  // beside - apart
  double low = 0;
  double high = 0;
  std::uint64_t beside_bytes = 0;
  std::uint64_t apart_bytes = 0;
  bool shown = false;
};

// One of the moments at which all requests in flight of a worker had most live together, by their curves.
struct SharedMoment {
  std::int64_t at_unix_us = 0;
  std::int64_t worker = 0;
  std::uint64_t live_bytes = 0;          // of the requests
  std::vector<HolderGroup> by_endpoint;  // largest first
};

enum class PairGrounds {
  kKnown,
  kTooFewRequests,  // see requests_needed
  kAlwaysBeside,    // nothing to compare with
  kNeverBoth        // not both beside and apart within a stretch of requests that could be compared
};

// Requests of one endpoint, with a request of another (or another of the same) beside them or not.
struct EndpointPair {
  EndpointId endpoint;
  EndpointId beside;
  std::uint64_t requests = 0;
  std::uint64_t requests_beside = 0;
  std::uint64_t highest_together = 0;  // of InterferenceResult::highest: those with both in flight
  bool level_matched = false;          // compared at the same number of requests in flight
  std::optional<DurationDifference> duration;
  std::optional<PeakDifference> peak;
  PairGrounds grounds = PairGrounds::kKnown;
  std::optional<std::uint64_t> requests_needed;
};

struct InterferenceResult {
  RecordingInfo recording;
  double confidence_ratio = 0.95;
  std::uint64_t requests = 0;           // that were looked at
  std::uint64_t recorded_requests = 0;  // in the recording, with a row of their own
  std::uint64_t folded_requests = 0;    // whose rows gave way to histograms: in no figure
  std::vector<Peak> moments;            // the highest of each worker, and who shared it
  std::vector<SharedMoment> highest;    // highest first, at most 20, each of another time or worker
  std::vector<EndpointPair> pairs;      // that met; those with a difference first, the largest first
  std::uint64_t pairs_never_beside = 0;
  std::vector<UnmatchedOption> unmatched;
  std::optional<std::size_t> limit;

  std::string to_text() const;
  std::string to_json() const;
  std::string to_csv() const;
};

}  // namespace heapledger::analysis
