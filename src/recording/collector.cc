#include "recording/collector.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "base/clock.h"
#include "recording/memory_limit.h"
#include "recording/recording.h"
#include "recording/run_folder.h"
#include "recording/text.h"

namespace heapledger::recording {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kLivenessNs = kSecondNs / 2;
constexpr std::uint64_t kBooksNs = 5 * kSecondNs;  // of workers that serve nothing; of others each second
// Folders change their time stamp by the kernel's tick only: one that changed this recently is read again.
constexpr std::int64_t kRecentlyNs = 1'000'000'000;
// Memory by kind of mapping: a run is mostly short, and then a service that has settled changes slowly.
constexpr std::uint64_t kFirstSegmentsPauseNs = kSecondNs;
constexpr std::uint64_t kLongestSegmentsPauseNs = 10 * kSecondNs;
// While it is read the process may have to wait for its memory map: for 1/200 of the time at most, and for 1/100 when a
// report asks. A signal is mostly the last one.
constexpr std::uint64_t kPausePerCost = 200;
constexpr std::uint64_t kPausePerCostWhenAsked = 100;
constexpr std::uint64_t kPausePerCostAtEnd = 5;
constexpr std::size_t kMostNotes = 256;
// Requests folded at once: small enough that no ring fills meanwhile, and twice what one ring can bring.
constexpr std::int64_t kFoldAtOnce = 8192;

std::int64_t changed_ns(const std::string& folder) {
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) return -1;
  return static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec;
}

}  // namespace

Collector::Collector(Store& store, CollectorOptions options) : store_(store), options_(std::move(options)) {
  if (options_.resume) {
    try {
      unfinished_ = store_.unfinished_workers();
    } catch (const std::exception& error) {
      fail(error.what());
    }
  }
}

void Collector::fail(const std::string& reason) noexcept {
  store_.roll_back();
  try {
    summary_.failure = reason;
  } catch (...) {
    summary_.failure = "?";  // fits without allocating
  }
}

void Collector::drain_once() noexcept {
  if (failed()) return;
  try {
    drop_cut_short();
    scan();
    read_segments(kPausePerCostWhenAsked, false);
    write_batch(false);
    keep_within_size();
  } catch (const std::exception& error) {
    fail(error.what());
  }
}

void Collector::drain_and_read_books() noexcept {
  next_books_ns_ = 0;
  next_segments_ns_ = 0;
  drain_once();
}

void Collector::expect_endings() noexcept {
  if (failed()) return;
  try {
    drop_cut_short();
    read_segments(kPausePerCostAtEnd, true);
  } catch (const std::exception& error) {
    fail(error.what());
  }
}

// All workers in one round, so that what they share is seen from both sides; a new one by itself, at once.
void Collector::read_segments(std::uint64_t least_pause_per_cost, bool now) {
  const std::uint64_t begun_ns = base::monotonic_ns();
  const bool allowed = begun_ns >= segments_ended_ns_ + segments_cost_ns_ * least_pause_per_cost;
  const bool round = allowed && !feeds_.empty() && (now || begun_ns >= next_segments_ns_);
  const std::uint64_t unix_now = base::unix_ns();
  bool any = false;
  for (const auto& feed : feeds_) {
    if (!round && feed->segments_read()) continue;
    feed->read_segments(unix_now);
    any = true;
  }
  if (!any) return;
  // So that whoever came is not taken for one that ran beside those it replaced.
  for (const auto& feed : feeds_) {
    if (!feed->process_runs()) feed->note_gone(unix_now);
  }
  segments_ended_ns_ = base::monotonic_ns();
  segments_cost_ns_ = segments_ended_ns_ - begun_ns;
  if (!round) return;
  segments_pause_ns_ = std::clamp(segments_pause_ns_ * 2, kFirstSegmentsPauseNs, kLongestSegmentsPauseNs);
  next_segments_ns_ = segments_ended_ns_ + std::max(segments_pause_ns_, segments_cost_ns_ * kPausePerCost);
}

void Collector::finish() noexcept {
  if (failed()) return;
  try {
    folder_changed_ns_ = -1;
    drop_cut_short();
    scan();
    read_notes(true);
    read_segments(kPausePerCostAtEnd, true);
    write_batch(true);
    next_size_check_ns_ = 0;
    keep_within_size();
  } catch (const std::exception& error) {
    fail(error.what());
  }
}

// The kernel ends whoever reads a mapped file beyond its end.
void Collector::drop_cut_short() {
  for (std::size_t i = feeds_.size(); i-- > 0;) {
    if (feeds_[i]->intact()) continue;
    summary_.requests += feeds_[i]->stored_requests();
    ++summary_.unreadable_ledgers;
    new_notes_.push_back({"", "", "a ledger was cut short while it was in use"});
    feeds_.erase(feeds_.begin() + static_cast<std::ptrdiff_t>(i));
    if (i < entered_) --entered_;
  }
}

void Collector::count_without_ledger() {
  for (const std::string& name : files_ending(options_.run_folder, ".ledgerless")) {
    if (!seen_.insert(name).second) continue;
    ++summary_.workers_without_ledger;
    losses_changed_ = true;
  }
}

void Collector::scan() {
  const std::int64_t changed = changed_ns(options_.run_folder);
  if (changed < 0 && !summary_.run_folder_lost) summary_.run_folder_lost = losses_changed_ = true;
  const auto now = static_cast<std::int64_t>(base::unix_ns());
  const bool same = changed == folder_changed_ns_ && now - changed > kRecentlyNs;
  if (same && unreadable_.empty()) return;
  folder_changed_ns_ = changed;
  unreadable_.clear();
  for (const std::string& name : files_ending(options_.run_folder, ".ledger")) {
    if (!seen_.contains(name)) adopt(name);
  }
  count_without_ledger();
  read_notes(false);
}

void Collector::adopt(const std::string& name) {
  const std::string path = options_.run_folder + "/" + name;
  std::string error;
  std::unique_ptr<ledger::LedgerView> view = ledger::LedgerView::open(path, error);
  if (!view) {
    unreadable_.push_back(name + ": " + error);
    return;
  }
  seen_.insert(name);
  auto feed = std::make_unique<WorkerFeed>(path, std::move(view));
  // The same process with another ledger: it replaced its program (exec), the older ledger is final.
  for (const auto& older : feeds_) {
    if (older->same_process(*feed)) older->mark_superseded();
  }
  if (waited_for_ && waited_for_->first == feed->pid()) feed->note_wait_status(waited_for_->second);
  feeds_.push_back(std::move(feed));
}

void Collector::note_wait_status(std::uint64_t pid, int status) {
  waited_for_ = {pid, status};  // its ledger may not have been found yet
  for (const auto& feed : feeds_) {
    if (feed->pid() == pid) feed->note_wait_status(status);
  }
}

void Collector::read_notes(bool last) {
  for (const std::string& name : files_ending(options_.run_folder, ".refused")) {
    if (seen_.contains(name)) continue;
    std::optional<NoteRow> note = read_refusal(options_.run_folder + "/" + name);
    if (!note && !last) continue;  // perhaps still being written
    seen_.insert(name);
    if (!note) note = NoteRow{"", "", "left a note that cannot be read"};
    const bool known = std::any_of(summary_.notes.begin(), summary_.notes.end(), [&note](const NoteRow& other) {
      return other.executable == note->executable && other.python == note->python && other.reason == note->reason;
    });
    if (known || summary_.notes.size() >= kMostNotes) continue;
    summary_.notes.push_back(*note);
    new_notes_.push_back(*note);
  }
  if (!last) return;
  for (const std::string& what : unreadable_) {
    ++summary_.unreadable_ledgers;
    new_notes_.push_back({"", "", "a ledger could not be read: " + clean_text(what)});
  }
}

bool Collector::anything_to_enter() const noexcept {
  return entered_ != feeds_.size() || !new_notes_.empty() || losses_changed_;
}

void Collector::enter_new() {
  for (; entered_ < feeds_.size(); ++entered_) {
    WorkerFeed& feed = *feeds_[entered_];
    const WorkerRow* known = nullptr;
    for (const WorkerRow& row : unfinished_) {
      if (feed.is_row(row, store_.started_unix_ns())) known = &row;
    }
    feed.enter(store_, known);
    ++summary_.workers;
    if (feed.native()) store_.set_native(true);
    note_memory_limit(feed.pid());
  }
  for (const NoteRow& note : new_notes_) store_.add_note(note);
  if (!losses_changed_) return;
  store_.set_workers_without_ledger(static_cast<std::int64_t>(summary_.workers_without_ledger));
  if (summary_.run_folder_lost) store_.set_run_folder_lost();
  losses_changed_ = false;  // a transaction that fails ends the writing
}

void Collector::note_memory_limit(std::uint64_t pid) {
  if (std::exchange(memory_limit_asked_, true)) return;
  if (const auto limit = memory_limit_of(pid)) store_.set_memory_limit(limit->bytes, limit->source);
}

std::vector<std::size_t> Collector::ended_feeds(std::uint64_t now, bool last) {
  std::vector<std::size_t> ended;
  if (!last && now < next_liveness_ns_) return ended;
  next_liveness_ns_ = now + kLivenessNs;
  for (std::size_t i = 0; i < feeds_.size(); ++i) {
    if (last || !feeds_[i]->process_runs()) ended.push_back(i);
  }
  return ended;
}

void Collector::write_batch(bool last) {
  const std::uint64_t now = base::monotonic_ns();
  const bool second = now >= next_second_ns_;
  const bool books = now >= next_books_ns_;
  const std::vector<std::size_t> ended = ended_feeds(now, last);
  const bool any_requests =
      std::any_of(feeds_.begin(), feeds_.end(), [](const auto& feed) { return feed->has_requests(); });
  const bool segments =
      std::any_of(feeds_.begin(), feeds_.end(), [](const auto& feed) { return feed->segments_wait(); });
  const bool idle = !any_requests && ended.empty() && !anything_to_enter() && !segments;
  if (!last && idle && (feeds_.empty() || !(second || books))) return;

  const std::uint64_t unix_now = base::unix_ns();
  store_.begin();
  enter_new();
  std::int64_t dropped = static_cast<std::int64_t>(summary_.dropped_requests);
  std::uint64_t dropped_events = summary_.dropped_pool_events;
  for (std::size_t i = 0; i < feeds_.size(); ++i) {
    WorkerFeed& feed = *feeds_[i];
    feed.add_segments(store_);
    if (std::binary_search(ended.begin(), ended.end(), i)) {
      feed.finish(store_, unix_now);
    } else {
      if (books || (second && feed.books_behind())) feed.refresh(store_);
      feed.drain(store_);
      if (second) feed.add_timeline(store_, unix_now);
    }
    dropped += static_cast<std::int64_t>(feed.dropped_requests());
    dropped_events += feed.dropped_pool_events();
  }
  if (second || last) store_.set_dropped_requests(dropped);
  if (dropped_events != 0) store_.set_dropped_pool_events(static_cast<std::int64_t>(dropped_events));
  store_.commit();

  new_notes_.clear();
  for (const auto& feed : feeds_) feed->committed();
  for (auto index = ended.rbegin(); index != ended.rend(); ++index) retire(*index);
  if (second) next_second_ns_ = now + kSecondNs;
  if (books) next_books_ns_ = now + kBooksNs;
}

void Collector::retire(std::size_t index) {
  const WorkerFeed& feed = *feeds_[index];
  summary_.requests += feed.stored_requests();
  summary_.dropped_requests += feed.dropped_requests();
  summary_.dropped_pool_events += feed.dropped_pool_events();
  ::unlink(feed.path().c_str());
  feeds_.erase(feeds_.begin() + static_cast<std::ptrdiff_t>(index));
  --entered_;
}

void Collector::keep_within_size() {
  const std::uint64_t now = base::monotonic_ns();
  if (options_.max_bytes <= 0 || now < next_size_check_ns_) return;
  if (store_.used_bytes() <= options_.max_bytes) {
    next_size_check_ns_ = now + kSecondNs;
    return;
  }
  // One step at each drain until it fits: a long transaction would let the rings fill.
  store_.begin();
  store_.fold_oldest(kFoldAtOnce);
  store_.drop_oldest_pool_events(kFoldAtOnce);
  store_.coarsen(options_.max_bytes / 2);
  store_.commit();
}

bool Collector::workers_run() const {
  return std::any_of(feeds_.begin(), feeds_.end(), [](const auto& feed) { return feed->process_runs(); });
}

CollectorSummary Collector::summary() const {
  CollectorSummary summary = summary_;
  for (const auto& feed : feeds_) {
    summary.requests += feed->stored_requests();
    summary.dropped_requests += feed->dropped_requests();
    summary.dropped_pool_events += feed->dropped_pool_events();
    if (failed()) {
      summary.unrecorded_requests +=
          feed->finished_requests() - std::min(feed->finished_requests(), feed->stored_requests());
    }
  }
  return summary;
}

}  // namespace heapledger::recording
