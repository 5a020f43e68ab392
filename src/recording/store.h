// Writer of a recording: a new SQLite file, in WAL mode while it grows, closed as one plain file.
//
// Every write happens between begin() and commit(); a failure (disk full, damage from outside) throws RecordingError
// and leaves the recording as it stood after the last commit. close() never throws. Thread-safety: one thread at a
// time. Allocates. Never carried across fork.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "recording/pool_rows.h"
#include "recording/rows.h"

namespace heapledger::recording {

class Store {
 public:
  struct Beginning {
    std::string heapledger_version;
    std::string command;  // argv[0]
    std::string mode = "exact";
    bool native = false;
    std::int64_t started_unix_ns = 0;
  };

  // Creates `path`, which must not exist. It appears as a whole recording: what a killed create() leaves has another
  // name, which the next one removes.
  static std::unique_ptr<Store> create(const std::string& path, const Beginning& beginning);
  // Opens a recording whose collector was killed, to finish it.
  static std::unique_ptr<Store> reopen(const std::string& path);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const std::string& path() const noexcept;
  std::int64_t started_unix_ns() const noexcept;

  void begin();
  void commit();
  void roll_back() noexcept;

  std::int64_t intern_endpoint(const EndpointRow& endpoint);  // its id is ignored
  std::int64_t intern_content_type(const std::string& name);
  std::int64_t intern_content_encoding(const std::string& name);
  std::int64_t add_worker(const WorkerRow& worker);  // its id is ignored
  void update_worker(const WorkerRow& worker);
  void add_request(const RequestRow& request, const PayloadRow& payload = {});  // its id is ignored
  void replace_owner_totals(std::int64_t worker, const std::vector<OwnerTotalRow>& totals);
  void replace_in_flight(std::int64_t worker, const std::vector<InFlightRow>& requests);
  void replace_peak(const PeakRow& peak);
  void replace_compat_marks(std::int64_t worker, const std::vector<CompatMarkRow>& marks);
  void set_notice(const EndpointNoticeRow& notice);
  void replace_body_limits(std::int64_t worker, const std::vector<BodyLimitRow>& limits);
  void replace_lives(std::int64_t worker, const std::vector<EndpointLifeRow>& lives);
  void replace_cohorts(std::int64_t worker, const std::vector<CohortRow>& cohorts);
  void replace_flows(std::int64_t worker, const std::vector<FlowRow>& flows);
  void replace_sites(std::int64_t worker, const std::vector<SiteRow>& sites);
  std::int64_t intern_place(const PlaceRow& place);  // their ids are ignored
  std::int64_t intern_stack(const StackRow& stack);
  void replace_segments(const SegmentReadingRow& reading);
  std::int64_t intern_pool(const PoolRow& pool);  // its id is ignored
  // Enters what is not known yet; else what has become of it, but for when it was made.
  void put_connection(const ConnectionRow& connection);
  void end_connection(std::int64_t pool, std::int64_t number, std::int64_t at_us);  // nothing of it is live
  void end_connections(std::int64_t worker, std::int64_t at_us);  // the same of all that had not ended
  void add_pool_event(const PoolEventRow& event);
  std::int64_t last_pool_event_us(std::int64_t worker);
  void set_dropped_pool_events(std::int64_t count);
  // Up to `limit` of the oldest events, and connections that ended before them.
  void drop_oldest_pool_events(std::int64_t limit);
  void add_timeline(const TimelineRow& point);
  void add_note(const NoteRow& note);
  void set_native(bool native);
  void set_memory_limit(std::int64_t bytes, const std::string& source);
  void set_dropped_requests(std::int64_t count);
  void set_workers_without_ledger(std::int64_t count);
  void set_run_folder_lost();

  // For finishing what a killed collector left.
  std::vector<WorkerRow> unfinished_workers();
  std::vector<std::int64_t> last_sequences(std::int64_t worker, std::int64_t limit);

  // Bytes of the pages in use; what --max-size bounds.
  std::int64_t used_bytes();
  // Folds up to `limit` of the oldest single requests into slices. False: there are none left.
  bool fold_oldest(std::int64_t limit);
  // Keeps slices and timeline within `budget_bytes`: slices of twice the span, every second older sample.
  void coarsen(std::int64_t budget_bytes);

  // Ends the recording. `complete` only when nothing of it was lost. True: one plain file, nothing beside it.
  bool close(std::int64_t ended_unix_ns, bool complete) noexcept;

 private:
  struct State;
  explicit Store(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace heapledger::recording
