// One worker's ledger on its way into the store. The collector owns one for each ledger of its run folder.
// Thread-safety: the collector's thread only. Everything that writes expects an open transaction of the store.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ledger/ledger_view.h"
#include "recording/process_watch.h"
#include "recording/store.h"

namespace heapledger::recording {

class WorkerFeed {
 public:
  WorkerFeed(std::string path, std::unique_ptr<ledger::LedgerView> view);

  // Enters the worker into the store; `known` is its row when a killed collector had already done so.
  void enter(Store& store, const WorkerRow* known = nullptr);

  // Its file is as long as it was: nothing else of the feed may be used otherwise.
  bool intact() const noexcept { return view_->intact(); }
  bool has_requests() const noexcept { return view_->has_requests(); }
  bool is_row(const WorkerRow& row, std::int64_t recording_started_ns) const;
  bool same_process(const WorkerFeed& other) const noexcept;
  bool process_runs() const;
  std::uint64_t pid() const noexcept { return process_.pid(); }
  void note_wait_status(int status) noexcept { process_.note_wait_status(status); }
  void note_gone(std::uint64_t unix_now) noexcept {  // seen then not to run any more
    if (gone_unix_ns_ == 0) gone_unix_ns_ = unix_now;
  }
  void mark_superseded() noexcept { superseded_ = true; }

  void drain(Store& store);                                 // finished requests of a running worker
  void add_timeline(Store& store, std::uint64_t unix_now);  // one point of the process curve
  void refresh(Store& store);                               // worker row, owner totals, in flight, peak: the books
  bool books_behind() const noexcept { return has_requests() || stored_ != stored_at_books_; }
  void finish(Store& store, std::uint64_t unix_now);  // the last read: everything

  // What kinds of memory the process holds: read from the system, outside of any transaction, then written once.
  void read_segments(std::uint64_t unix_now);
  bool segments_read() const noexcept { return segments_read_; }
  bool segments_wait() const noexcept { return segments_.has_value(); }
  void add_segments(Store& store);
  void committed() noexcept;  // what was drained is safe in the store

  const std::string& path() const noexcept { return path_; }
  bool native() const noexcept { return native_; }
  std::uint64_t stored_requests() const noexcept { return stored_; }
  std::uint64_t dropped_requests() const;
  std::uint64_t finished_requests() const;
  std::uint64_t dropped_pool_events() const;

 private:
  void drain(Store& store, bool dead);
  void add(Store& store, const ledger::FinishedRequest& request);
  void add_responded(Store& store);
  void replace_books(Store& store);
  void replace_survivors(Store& store);
  using RetainedByEndpoint = std::map<std::int64_t, std::int64_t>;
  void replace_lives(Store& store, const RetainedByEndpoint& retained);
  RetainedByEndpoint replace_cohorts(Store& store);
  void replace_flows(Store& store);
  void replace_sites(Store& store);
  void replace_body_limits(Store& store);
  void replace_in_flight(Store& store);
  void replace_compat_marks(Store& store);
  void add_notices(Store& store);
  PayloadRow payload(Store& store, const ledger::FinishedRequest& request);
  std::optional<std::int64_t> content_encoding(Store& store, ledger::Encoding encoding);
  void add_event(Store& store, const ledger::PoolEvent& event);
  void put_event_connection(Store& store, const ledger::PoolEvent& event, std::int64_t pool);
  void update_connections(Store& store);
  std::optional<std::int64_t> pool(Store& store, std::uint32_t id);
  std::optional<std::int64_t> stack(Store& store, std::uint32_t id);
  std::int64_t endpoint(Store& store, std::uint32_t id);
  std::optional<std::int64_t> known_endpoint(Store& store, std::uint32_t id);
  std::optional<std::int64_t> content_type(Store& store, ledger::TextRef ref);
  std::int64_t since_start_us(std::uint64_t unix_ns) const noexcept;
  void note_ending(const ledger::Counters& counters, std::uint64_t unix_now);
  void update_row(const ledger::Counters& counters);

  std::string path_;
  std::unique_ptr<ledger::LedgerView> view_;
  WorkerRow row_;
  std::int64_t recording_started_ns_ = 0;
  ProcessWatch process_;
  bool native_ = false;
  bool superseded_ = false;
  std::uint64_t stored_ = 0;
  std::uint64_t uncommitted_ = 0;
  std::uint64_t stored_at_books_ = 0;
  std::uint64_t lost_ = 0;
  std::map<std::uint32_t, std::int64_t> endpoints_;
  std::set<std::uint32_t> noticed_;  // endpoints whose notice is stored
  std::map<std::uint32_t, std::optional<std::int64_t>> stacks_;
  std::map<std::int64_t, std::vector<EndpointLifeRow::RetainedLevel>> retained_histories_;  // by endpoint
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::int64_t> content_types_;
  std::map<std::uint32_t, std::optional<std::int64_t>> pools_;
  std::set<std::pair<std::int64_t, std::int64_t>> connections_;  // in the store as not ended: pool, number
  std::optional<std::int64_t> events_stored_until_us_;           // after a resume only
  std::optional<SegmentReadingRow> segments_;                    // to be written
  std::uint64_t gone_unix_ns_ = 0;
  std::uint64_t segments_unix_ns_ = 0;
  bool segments_read_ = false;                // at least once
  bool first_segments_ = true;                // the next reading that succeeds is the first
  std::vector<std::int64_t> already_stored_;  // sorted; after a resume only
};

}  // namespace heapledger::recording
