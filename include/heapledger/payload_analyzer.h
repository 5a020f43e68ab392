// What a byte on the wire costs in memory: PayloadAnalyzer, the verb `heapledger payloads`. Conventions as in
// recording_info.h.
//
// Models are estimates with intervals at PayloadsResult::confidence_ratio, from requests that ended well (status below
// 400, not raised, not disconnected, exactly booked); distributions and counts are exact, of every chosen request.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "heapledger/recording_info.h"

namespace heapledger::analysis {

enum class PayloadsSort { kRequirement, kAmplification, kRequestSize, kResponseSize, kRequests, kRoute };
PayloadsSort parse_payloads_sort(std::string_view name);

// Which requests to look at, and how to show them. An empty list does not restrict.
struct PayloadsOptions {
  std::vector<std::string> routes;    // templates as recorded; `*` stands for any characters
  std::vector<std::string> methods;   // in any case
  std::vector<std::int64_t> workers;  // WorkerCost::worker
  std::optional<Moment> since;        // requests that started then or later
  std::optional<Moment> until;        // requests that started before
  std::int64_t warmup_us = 0;         // leave out requests that started so soon after the recording did
  PayloadsSort sort = PayloadsSort::kRequirement;
  std::optional<std::size_t> limit;  // endpoints to show, 0 for all; absent: kTextLimit in text, all elsewhere
};

// How an endpoint treats bodies of one direction, by what its memory does.
enum class PayloadMode {
  kNone,      // no request had one
  kBuffered,  // held whole
  kStreamed,  // passed through in pieces
  kMixed      // some so, some so
};
const char* name_of(PayloadMode mode) noexcept;  // "none", "buffered", "streamed", "mixed"

// Why there is no model, or no amplification in it.
enum class ModelGap {
  kNone,            // there is one
  kTooFewRequests,  // see requests_needed
  kSameSize,        // sizes vary too little to tell a slope
  kMovesTogether,   // with the sizes of the other direction
  kUnsettled        // no interval: too few requests have another size than the rest
};

struct RatioInterval {
  double low = 0;
  double high = 0;
};

// The median peak of a request is base_bytes + amplification_ratio x size (+ the other direction's).
struct PayloadModel {
  ModelGap gap = ModelGap::kTooFewRequests;
  std::optional<double> base_bytes;
  std::optional<double> amplification_ratio;
  std::optional<RatioInterval> amplification_ratio_interval;
  std::optional<bool> linear;           // absent: too few sizes to say
  bool with_other_direction = false;    // fitted together with the other direction's sizes
  std::uint64_t fitted_requests = 0;    // rows the fit used: all, or those that its limit chose by size
  std::uint64_t requests_needed = 0;    // kTooFewRequests
  std::uint64_t size_spread_bytes = 0;  // largest less smallest size of the rows that could be fitted
};

struct PayloadDirection {
  IntegerDistribution size_bytes;  // bodies as they crossed the wire; 0 where there was none
  std::uint64_t with_body = 0;     // requests that had one
  std::uint64_t in_pieces = 0;     // of these, came or went in several pieces
  PayloadModel model;
  PayloadMode mode = PayloadMode::kNone;
  std::optional<double> held_ratio;  // of a large body, what of it is held at the peak
};

struct PhaseCost {
  IntegerDistribution allocated_bytes;
  IntegerDistribution peak_bytes;  // highest live bytes of the request during the phase
  RealDistribution duration_seconds;
  double peak_reached_ratio = 0;  // share of requests whose own peak fell into the phase
  double peak_share_ratio = 0;    // of all peaks, at most what the phase allocated
};

struct RequestPhases {
  std::uint64_t requests = 0;  // with phases
  PhaseCost read;
  PhaseCost deserialize;
  PhaseCost handle;
  PhaseCost serialize;
  PhaseCost send;
};

enum class BodyDirection { kRequest, kResponse };
const char* name_of(BodyDirection direction) noexcept;  // "request", "response"

struct ContentTypeCost {
  BodyDirection direction = BodyDirection::kRequest;
  std::string content_type;      // empty: none was given
  std::string content_encoding;  // empty: identity
  std::uint64_t requests = 0;    // with a body of it
  std::uint64_t bytes = 0;       // of all of them
  std::optional<double> amplification_ratio;
  std::optional<RatioInterval> amplification_ratio_interval;
  ModelGap gap = ModelGap::kTooFewRequests;
  std::uint64_t requests_needed = 0;
};

// Streaming against buffering, at the 99th percentile of sizes.
struct StreamingCost {
  std::optional<std::uint64_t> saves_bytes;  // would save where a body is held, saves where none is
  bool saved_already = false;                // no direction is held
  std::uint64_t requests_needed = 0;         // absent saves_bytes: 0 when it is the model that is missing
};

enum class RequirementBasis { kModel, kPeaks };
const char* name_of(RequirementBasis basis) noexcept;  // "model", "peaks"

// What one request needs with its payload at these percentiles: by the model, or as its requests' peaks were.
struct PayloadRequirement {
  RequirementBasis basis = RequirementBasis::kPeaks;
  std::uint64_t p50_bytes = 0;
  std::uint64_t p95_bytes = 0;
  std::optional<std::uint64_t> p99_bytes;
  std::uint64_t largest_bytes = 0;  // the largest payload, or peak
};

struct BodyLimit {
  bool known = false;                        // the recording says what the framework lets in
  std::optional<std::uint64_t> limit_bytes;  // absent where known: none is set
  std::string setting;                       // "Flask MAX_CONTENT_LENGTH"
  bool differs = false;                      // between workers: the largest is shown
};

// What one body of kLargeBodyBytes would do, where no limit keeps it out.
inline constexpr std::uint64_t kLargeBodyBytes = 100'000'000;
struct LargeBody {
  double peak_bytes = 0;
  double low_bytes = 0;
  double high_bytes = 0;
  double times_largest = 0;  // how many times as large as the largest that was recorded
};

struct EndpointPayloads {
  std::string method;
  std::string route;
  std::string version;  // empty when none
  bool deprecated = false;
  std::uint64_t requests = 0;         // chosen, with rows of their own
  std::uint64_t failed_requests = 0;  // of these, in no model: status 400 and above, raised, disconnected, approximate
  IntegerDistribution peak_bytes;
  PayloadDirection request;
  PayloadDirection response;
  std::optional<RequestPhases> phases;
  std::vector<ContentTypeCost> content_types;  // dearest byte first
  StreamingCost streaming;
  PayloadRequirement requirement;
  BodyLimit body_limit;
  std::optional<LargeBody> large_body;
};

struct PayloadsResult {
  RecordingInfo recording;
  double confidence_ratio = 0.95;
  std::uint64_t requests = 0;
  std::uint64_t folded_requests = 0;  // given up for --max-size: their sizes are not known
  std::vector<EndpointPayloads> endpoints;
  std::vector<UnmatchedOption> unmatched;
  std::optional<std::size_t> limit;

  std::string to_text() const;
  std::string to_json() const;
  std::string to_csv() const;
};

class PayloadAnalyzer {
 public:
  explicit PayloadAnalyzer(std::string recording_path);
  PayloadsResult analyze(const PayloadsOptions& options = {}) const;

 private:
  std::string recording_path_;
};

}  // namespace heapledger::analysis
