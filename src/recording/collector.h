// The collector: watches a run folder, drains every worker's ring into the store, samples the process curve once a
// second, notices workers that ended, reads their ledgers for the last time and removes them.
//
// Its owner calls drain_once() some ten times a second: `heapledger run` from its loop, LiveRecorder from a thread.
// A failing store (disk full) ends the writing, never the service: see CollectorSummary::failure.
// Nothing throws. Thread-safety: one thread at a time. Allocates. Not to be carried across fork.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "recording/store.h"
#include "recording/worker_feed.h"

namespace heapledger::recording {

struct CollectorOptions {
  std::string run_folder;
  std::int64_t max_bytes = std::int64_t{1} << 30;
  bool resume = false;  // the recording already knows some of these workers
};

// What the run amounted to. Everything that was lost is counted in one of these.
struct CollectorSummary {
  std::uint64_t workers = 0;
  std::uint64_t requests = 0;             // rows stored
  std::uint64_t dropped_requests = 0;     // full rings, torn records
  std::uint64_t dropped_pool_events = 0;  // full rings
  std::uint64_t unrecorded_requests = 0;  // finished after the store had failed
  std::uint64_t unreadable_ledgers = 0;
  std::uint64_t workers_without_ledger = 0;  // had no room for one
  bool run_folder_lost = false;              // workers since then could not make one, nor say so
  std::vector<NoteRow> notes;                // Pythons that could not take part
  std::string failure;                       // why the writing ended early; empty: it did not

  bool lost_nothing() const noexcept {
    return failure.empty() && unreadable_ledgers == 0 && workers_without_ledger == 0 && !run_folder_lost;
  }
};

class Collector {
 public:
  Collector(Store& store, CollectorOptions options);
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  void drain_once() noexcept;
  // The same, and the books of every worker: what the recording says is then of one moment, this one.
  void drain_and_read_books() noexcept;
  // The last reading of everything, whether its process ended or not; then the ledgers are removed.
  void finish() noexcept;

  // The workers are probably about to end: their memory is read while it can be.
  void expect_endings() noexcept;

  // What wait() said of a child of ours, which may be one of the workers.
  void note_wait_status(std::uint64_t pid, int status);

  bool workers_run() const;
  bool failed() const noexcept { return !summary_.failure.empty(); }
  CollectorSummary summary() const;

 private:
  void scan();
  void adopt(const std::string& name);
  void read_notes(bool last);
  void count_without_ledger();
  void drop_cut_short();
  void write_batch(bool last);
  std::vector<std::size_t> ended_feeds(std::uint64_t now, bool last);
  bool anything_to_enter() const noexcept;
  void enter_new();
  void note_memory_limit(std::uint64_t pid);
  void retire(std::size_t index);
  void keep_within_size();
  void read_segments(std::uint64_t least_pause_per_cost, bool now);
  void fail(const std::string& reason) noexcept;

  Store& store_;
  CollectorOptions options_;
  std::vector<std::unique_ptr<WorkerFeed>> feeds_;
  std::size_t entered_ = 0;              // feeds_[0, entered_) have a row in the store
  std::vector<WorkerRow> unfinished_;    // of a killed collector
  std::set<std::string> seen_;           // names of ledgers and notes that were dealt with
  std::vector<std::string> unreadable_;  // not complete yet, or never
  std::vector<NoteRow> new_notes_;
  std::optional<std::pair<std::uint64_t, int>> waited_for_;  // pid and status
  bool memory_limit_asked_ = false;
  bool losses_changed_ = false;  // not in the store yet
  CollectorSummary summary_;
  std::int64_t folder_changed_ns_ = -1;
  std::uint64_t next_second_ns_ = 0;
  std::uint64_t next_liveness_ns_ = 0;
  std::uint64_t next_books_ns_ = 0;
  std::uint64_t next_size_check_ns_ = 0;
  std::uint64_t segments_pause_ns_ = 0;  // between rounds: it grows while a run lasts
  std::uint64_t next_segments_ns_ = 0;   // the next round
  std::uint64_t segments_ended_ns_ = 0;  // of the latest readings
  std::uint64_t segments_cost_ns_ = 0;
};

}  // namespace heapledger::recording
