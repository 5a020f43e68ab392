// Reader of a recording: one SQLite file, opened read-only, checked before a row is believed.
//
// A file that is not a recording of ours, is cut short, damaged, or newer than this program never gets past open(), or
// throws at the row where the damage shows: always RecordingError, one line. All functions of one Recording answer from
// one snapshot, also while a collector still writes the file.
// Thread-safety: one thread at a time. Allocates. Not to be carried across fork.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "recording/body_rows.h"
#include "recording/pool_rows.h"
#include "recording/rows.h"

namespace heapledger::recording {

// what() is one line without "error: "; hint() is one line or empty.
class RecordingError : public std::runtime_error {
 public:
  explicit RecordingError(const std::string& message, std::string hint = {})
      : std::runtime_error(message), hint_(std::move(hint)) {}
  const std::string& hint() const noexcept { return hint_; }

 private:
  std::string hint_;
};

// Another connection has the file open in a way that keeps us out.
class RecordingInUse : public RecordingError {
 public:
  using RecordingError::RecordingError;
};

// What of a pool's settings is a number; none of settings that cannot be read.
std::map<std::string, double> number_settings(const PoolRow& row);

// Events of pools that are not in the recording.
struct PoolLosses {
  std::int64_t dropped = 0;              // lost on the way
  std::int64_t folded = 0;               // the oldest, given up for --max-size
  std::optional<std::int64_t> since_us;  // from when on events are kept, where some were given up
};

class Recording {
 public:
  explicit Recording(const std::filesystem::path& path);
  ~Recording();
  Recording(Recording&&) noexcept;
  Recording& operator=(Recording&&) noexcept;

  const std::filesystem::path& path() const noexcept;

  MetaRow read_meta() const;
  std::vector<WorkerRow> workers() const;                                    // by id
  std::vector<EndpointRow> endpoints() const;                                // by id
  std::vector<ContentTypeRow> content_types() const;                         // by id
  std::vector<ContentEncodingRow> content_encodings() const;                 // by id
  std::vector<PayloadRow> payloads() const;                                  // of each request, by its id
  std::vector<BodyLimitRow> body_limits() const;                             // by worker
  std::vector<RequestRow> requests(const RequestFilter& filter = {}) const;  // by id: the order of arrival
  std::vector<OwnerTotalRow> owner_totals() const;                           // by worker
  std::vector<InFlightRow> in_flight() const;                                // by worker, sequence
  std::vector<PeakRow> peaks() const;                                        // by worker
  std::vector<TimelineRow> timeline() const;                                 // by worker, time
  std::vector<NoteRow> notes() const;
  std::vector<SliceRow> slices() const;  // by endpoint, time; empty unless --max-size folded rows

  std::vector<EndpointLifeRow> endpoint_lives() const;  // by worker, endpoint
  std::vector<CohortRow> cohorts() const;               // by worker, endpoint, first request, block size
  std::vector<FlowRow> flows() const;                   // by worker
  std::vector<PlaceRow> places() const;                 // by id
  std::vector<StackRow> stacks() const;                 // by id
  std::vector<SiteRow> sites() const;                   // by worker, endpoint

  // Memory by kind of mapping, by worker, the first reading before the latest.
  std::vector<SegmentReadingRow> segment_readings() const;

  // Of all requests, in one pass over three of their columns; by worker, endpoint.
  std::vector<RequestSpanRow> request_spans() const;

  // Of these endpoints (none: of all), in the order of arrival.
  void for_each_curve(const std::vector<std::int64_t>& endpoints,
                      const std::function<void(const RequestCurveRow&)>& visit) const;
  // Of those of these endpoints' requests whose phases were seen; reads no column of another phase.
  void for_each_phase(RequestPhase phase, const std::vector<std::int64_t>& endpoints,
                      const std::function<void(const PhaseRow&)>& visit) const;
  std::vector<RequestRow> requests_with_ids(const std::vector<std::int64_t>& ids) const;  // in the order of `ids`
  std::vector<EndpointNoticeRow> endpoint_notices() const;                                // by endpoint
  std::vector<CompatMarkRow> compat_marks() const;                                        // by worker

  // All requests in the order of arrival, twelve of their columns.
  void for_each_request_cost(const std::function<void(const RequestCostRow&)>& visit) const;
  // What concerns the bodies of each request, by its id: one at a time.
  void for_each_body(const std::function<void(const BodyRow&)>& visit) const;

  std::vector<PoolRow> pools() const;                                                      // by id
  void for_each_connection(const std::function<void(const ConnectionRow&)>& visit) const;  // by pool, number
  void for_each_pool_event(const std::function<void(const PoolEventRow&)>& visit) const;   // in the order of arrival
  PoolLosses pool_losses() const;
  // Seven of their columns, one request at a time, by id.
  void for_each_request_level(const std::function<void(const RequestLevelRow&)>& visit) const;

  // The same rows as requests(), one at a time, for recordings larger than memory.
  void for_each_request(const RequestFilter& filter, const std::function<void(const RequestRow&)>& visit) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace heapledger::recording
