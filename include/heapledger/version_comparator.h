// What a new version of an API does to memory: the class behind `heapledger versions`.
//
// The versions of one recording are compared pair by pair, each with the one before it, endpoints paired by their route
// without its version; or two recordings, of the service before a change and after it. Conventions as in
// recording_info.h. Ratios are to / from; intervals hold at VersionsResult::confidence_ratio.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "heapledger/recording_info.h"
#include "heapledger/sites.h"

namespace heapledger::analysis {

enum class VersionVerdict {
  kRegression,   // more by at least the margin, and shown
  kImprovement,  // less by at least the margin, and shown
  kSame,         // shown to lie within the margin
  kInconclusive  // none of these is shown
};
const char* name_of(VersionVerdict verdict) noexcept;  // "regression", "improvement", "same", "inconclusive"

// Why nothing is shown.
enum class VersionGrounds {
  kMeasured,
  kTooFewRequests,     // see requests_needed
  kTooUneven,          // the interval is too wide: see requests_needed
  kDifferentPayloads,  // the versions got bodies of different sizes: hardly any are alike
  kNotFollowed         // retained_bytes: what outlived requests is not known, or not yet clear
};
const char* name_of(VersionGrounds grounds) noexcept;  // "measured", "too_few_requests", "too_uneven", ...

struct VersionInterval {
  double low = 0;
  double high = 0;
};

// One figure of both versions. Medians and the 99th percentiles are of all their requests; the ratio is between
// requests with payloads of one size, where sizes vary and both versions have them.
struct VersionMetric {
  std::string name;  // "peak_bytes", "allocated_bytes", "retained_bytes", "byte_seconds", "escaped_bytes", ...
  bool in_bytes = true;
  bool decides = false;  // the verdict of the pair rests on it
  std::optional<double> from;
  std::optional<double> to;
  std::optional<VersionInterval> from_interval;
  std::optional<VersionInterval> to_interval;
  std::optional<double> from_p99;  // from 100 requests on
  std::optional<double> to_p99;
  std::optional<double> ratio;
  std::optional<VersionInterval> interval;
  std::optional<double> plain_ratio;  // with payloads of all sizes thrown together
  std::optional<double> p_value;
  std::optional<double> q_value;  // over all pairs and figures
  VersionVerdict verdict = VersionVerdict::kInconclusive;
  VersionGrounds grounds = VersionGrounds::kTooFewRequests;
  std::optional<std::uint64_t> requests_needed;  // of both versions together
};

// Which requests were compared with which.
struct PayloadMatch {
  std::string by;            // "received_bytes" or "sent_bytes"; empty: all with all
  std::uint64_t strata = 0;  // of sizes within a quarter of an octave, that both versions have
  std::uint64_t from_requests = 0;
  std::uint64_t to_requests = 0;
  std::optional<VersionMetric> peak_bytes_per_payload_byte;  // payload: body and reply, where they are 1 KiB and more
};

// A line that makes one version's requests allocate more than the other's: a request, estimated from sampled blocks.
struct VersionSite {
  CodeStack stack;
  EstimatedBytes from_bytes;
  EstimatedBytes to_bytes;
};

// How often a day requests take more memory than there is (as `heapledger limits` models it): with the recorded
// traffic, and once the old version's requests are requests of the new one. Of two recordings rates and headroom are
// the first one's.
struct MigrationRisk {
  double now_per_day = 0;
  VersionInterval now_interval;
  double migrated_per_day = 0;
  VersionInterval migrated_interval;
};

struct VersionPair {
  std::string method;
  std::string route;  // without its version
  std::string from;   // version; of two recordings that name none, "before"
  std::string to;
  std::string from_route;
  std::string to_route;
  std::uint64_t from_requests = 0;  // compared
  std::uint64_t to_requests = 0;
  std::uint64_t from_errors = 0;  // status 500 and above, or raised: not compared
  std::uint64_t to_errors = 0;
  std::uint64_t from_left_out = 0;  // served while no owner was free: their figures are not known
  std::uint64_t to_left_out = 0;
  std::uint64_t from_blocks = 0;  // of requests that follow each other in one worker
  std::uint64_t to_blocks = 0;
  std::vector<VersionMetric> metrics;
  PayloadMatch payload_matched;
  VersionVerdict verdict = VersionVerdict::kInconclusive;
  VersionGrounds grounds = VersionGrounds::kTooFewRequests;
  std::optional<std::uint64_t> requests_needed;
  std::optional<MigrationRisk> risk;  // absent: VersionsResult::risk_missing says why, or a version has no requests
  std::vector<VersionSite> sites;     // largest change first, only those whose change is shown
};

struct VersionEndpoint {
  EndpointId id;
  std::uint64_t requests = 0;
};

struct DeprecatedEndpoint {
  EndpointId id;
  std::uint64_t requests = 0;
  double requests_ratio = 0;        // of all requests
  double route_requests_ratio = 0;  // of those to any version of its route
  double byte_seconds_ratio = 0;    // of all byte-seconds
  double requests_per_second = 0;
  std::optional<std::int64_t> last_request_unix_us;
  double mean_live_bytes = 0;                   // of its requests in flight: what its sunset frees at the present rate
  std::optional<std::uint64_t> retained_bytes;  // live at the end
  std::string replaced_by;                      // version; empty: none
  std::string deprecation;                      // as its header says; empty when it does not
  std::string sunset;
};

// What code that only serves compatibility took: heapledger.compat(name).
struct CompatibilityCost {
  std::string name;
  std::optional<EndpointId> endpoint;  // absent: outside of every route
  std::uint64_t calls = 0;
  std::uint64_t allocated_bytes = 0;
  std::uint64_t peak_bytes = 0;  // by how much one call lifted the peak of its request, at most
  double duration_seconds = 0;
  std::optional<double> allocated_ratio;  // of what its endpoint's requests allocate
};

enum class MigrationAction {
  kMigrate,     // the new version needs less, or as much
  kMeasure,     // nothing is shown yet
  kFixFirst,    // the new version needs more
  kNoSuccessor  // deprecated, or not in the newest version, and nothing takes its place
};
const char* name_of(MigrationAction action) noexcept;  // "migrate", "measure", "fix_first", "no_successor"

struct MigrationStep {
  MigrationAction action = MigrationAction::kMigrate;
  std::string method;
  std::string route;
  std::string from;
  std::string to;
  double requests_per_second = 0;                // of the old version
  std::optional<double> mean_live_bytes_change;  // once all of them are requests of the new one
};

// What requests in flight hold on average when so much of the old versions' traffic has moved to the newest.
struct MigrationCapacity {
  double migrated_ratio = 0;
  double mean_live_bytes = 0;
  VersionInterval interval;
};

// Why no risk can be stated.
enum class VersionRiskMissing {
  kNothing,    // it can
  kNoLimit,    // neither recorded nor given
  kNoHeadroom  // what the idle service takes is not known, or leaves nothing
};

struct VersionsOptions {
  std::vector<std::string> routes;    // templates as recorded; `*` stands for any characters
  std::vector<std::string> methods;   // in any case
  std::vector<std::int64_t> workers;  // of the first recording
  std::optional<Moment> since;        // in each recording
  std::optional<Moment> until;
  std::int64_t warmup_us = 0;
  std::uint64_t seed = 1;                           // of the permutations: the same one gives the same result
  std::optional<std::uint64_t> memory_limit_bytes;  // in place of the recorded one
  std::optional<std::size_t> limit;  // pairs to show, 0 for all; absent: kTextLimit in text, all elsewhere
  bool report = false;               // text is the migration report
};

struct VersionsResult {
  RecordingInfo recording;
  std::optional<RecordingInfo> other;
  double confidence_ratio = 0.95;
  double margin_ratio = 0.05;            // what is within counts as the same
  double finding_ratio = 0.02;           // q at most so much is shown
  std::uint64_t requests = 0;            // in the chosen time and workers, of all endpoints
  std::uint64_t requests_folded = 0;     // have no row of their own (--max-size): not compared
  std::vector<std::string> versions;     // in order
  std::vector<VersionPair> pairs;        // regressions first, then improvements, same, inconclusive; by requests
  std::vector<VersionEndpoint> added;    // not in any earlier version
  std::vector<VersionEndpoint> removed;  // not in the newest
  std::vector<DeprecatedEndpoint> deprecated;
  std::vector<CompatibilityCost> compatibility;
  std::uint64_t compatibility_calls_dropped = 0;  // there was no room for their name
  std::uint64_t versions_altered = 0;  // calls of heapledger.api_version() with what cannot be filed as it is
  std::vector<MigrationStep> steps;
  std::vector<MigrationCapacity> capacity;
  VersionRiskMissing risk_missing = VersionRiskMissing::kNothing;
  std::optional<MigrationRisk>
      risk;  // of two recordings: the first one's traffic, once all its pairs are as in the second
  std::vector<UnmatchedOption> unmatched;
  std::optional<std::size_t> limit;
  bool report = false;

  // --fail-on regression: absent when no pair could be judged.
  std::optional<bool> has_regression() const;

  std::string to_text() const;
  std::string to_json() const;
  std::string to_csv() const;
};

class VersionComparator {
 public:
  // `other`: the recording after the change, the first one being before it.
  explicit VersionComparator(std::string recording_path, std::optional<std::string> other_path = std::nullopt);
  VersionsResult analyze(const VersionsOptions& options = {}) const;

 private:
  std::string recording_path_;
  std::optional<std::string> other_path_;
};

}  // namespace heapledger::analysis
