// A pool of one worker as it would have been recorded, its events known by construction.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "analysis/pools_analysis.h"
#include "recording/pool_rows.h"
#include "rows_for_tests.h"

namespace heapledger::analysis {

inline constexpr std::int64_t kMs = 1000;
inline constexpr std::int64_t kSecond = 1'000'000;

// Takes the connection that was put back last, makes one when none is idle and the limit allows it.
class SimulatedPool {
 public:
  explicit SimulatedPool(std::int64_t limit = 1000, std::int64_t bytes = 100'000) : limit_(limit), bytes_(bytes) {}

  std::optional<std::int64_t> check_out(std::int64_t at_us, std::optional<std::int64_t> sequence = {},
                                        std::int64_t endpoint = 1, std::int64_t wait_us = 0) {
    if (idle_.empty() && size() == limit_) {
      add(recording::PoolEventKind::kTimeout, at_us, std::nullopt, sequence, endpoint, wait_us);
      return std::nullopt;
    }
    if (idle_.empty()) make(at_us);
    const std::int64_t connection = idle_.back();
    idle_.pop_back();
    out_.insert(connection);
    last_use_[connection] = {at_us, sequence, endpoint};
    add(recording::PoolEventKind::kCheckout, at_us, connection, sequence, endpoint, wait_us);
    return connection;
  }

  void put_back(std::int64_t at_us, std::int64_t connection, std::int64_t more_bytes = 0) {
    out_.erase(connection);
    idle_.push_back(connection);
    grown_[connection] += more_bytes;
    const Use use = last_use_[connection];
    last_use_[connection].at_us = at_us;
    auto& event = add(recording::PoolEventKind::kCheckin, at_us, connection, use.sequence, use.endpoint);
    event.hold_us = at_us - use.at_us;
  }

  void make(std::int64_t at_us) {
    idle_.push_back(++made_);
    created_[made_] = last_use_[made_].at_us = at_us;
    add(recording::PoolEventKind::kCreate, at_us, made_);
  }

  void close(std::int64_t at_us, std::int64_t connection) {
    std::erase(idle_, connection);
    out_.erase(connection);
    closed_.insert(connection);
    add(recording::PoolEventKind::kClose, at_us, connection);
  }

  // Out for `hold_us` every `every_us`, from `from_us` until `until_us`.
  void use(std::int64_t from_us, std::int64_t until_us, std::int64_t every_us, std::int64_t hold_us) {
    for (std::int64_t at_us = from_us; at_us < until_us; at_us += every_us) {
      if (const auto connection = check_out(at_us, ++sequence_)) put_back(at_us + hold_us, *connection);
    }
  }

  recording::ConnectionRow connection(std::int64_t number) const {
    recording::ConnectionRow row;
    row.worker = worker;
    row.pool = id;
    row.number = number;
    row.created_us = created_.at(number);
    row.state = out_.contains(number)      ? recording::ConnectionState::kInUse
                : closed_.contains(number) ? recording::ConnectionState::kClosed
                                           : recording::ConnectionState::kIdle;
    const bool open = row.state != recording::ConnectionState::kClosed;
    row.allocated_bytes = bytes_of(number) * 2;
    row.live_bytes = open ? bytes_of(number) : 0;
    const Use& use = last_use_.at(number);
    row.last_event_us = use.at_us;
    row.request_sequence = use.sequence;
    if (use.sequence) row.endpoint = use.endpoint;
    return row;
  }

  std::vector<recording::ConnectionRow> connections() const {
    std::vector<recording::ConnectionRow> rows;
    for (std::int64_t number = 1; number <= made_; ++number) rows.push_back(connection(number));
    return rows;
  }

  std::int64_t size() const { return static_cast<std::int64_t>(idle_.size() + out_.size()); }
  const std::vector<std::int64_t>& idle() const { return idle_; }

  std::int64_t id = 1;
  std::int64_t worker = 1;
  std::vector<recording::PoolEventRow> events;

 private:
  struct Use {
    std::int64_t at_us = 0;
    std::optional<std::int64_t> sequence;
    std::int64_t endpoint = 1;
  };

  std::int64_t bytes_of(std::int64_t number) const {
    const auto grown = grown_.find(number);
    return bytes_ + (grown == grown_.end() ? 0 : grown->second);
  }

  recording::PoolEventRow& add(recording::PoolEventKind kind, std::int64_t at_us,
                               std::optional<std::int64_t> connection, std::optional<std::int64_t> sequence = {},
                               std::optional<std::int64_t> endpoint = {}, std::optional<std::int64_t> wait_us = {}) {
    recording::PoolEventRow& event = events.emplace_back();
    event.worker = worker;
    event.pool = id;
    event.at_us = at_us;
    event.kind = kind;
    event.connection = connection;
    event.request_sequence = sequence;
    if (sequence) event.endpoint = endpoint;
    event.wait_us = wait_us;
    if (connection) event.live_bytes = bytes_of(*connection);
    event.size = size();
    event.in_use = static_cast<std::int64_t>(out_.size());
    event.idle = static_cast<std::int64_t>(idle_.size());
    return event;
  }

  std::int64_t limit_;
  std::int64_t bytes_;
  std::int64_t made_ = 0;
  std::int64_t sequence_ = 0;
  std::vector<std::int64_t> idle_;
  std::set<std::int64_t> out_;
  std::set<std::int64_t> closed_;
  std::map<std::int64_t, std::int64_t> created_;
  std::map<std::int64_t, std::int64_t> grown_;
  std::map<std::int64_t, Use> last_use_;
};

inline recording::PoolRow sqlalchemy_row(std::int64_t id = 1, std::int64_t worker = 1) {
  recording::PoolRow row;
  row.id = id;
  row.worker = worker;
  row.name = "orders";
  row.library = "SQLAlchemy";
  row.max_size = 5;
  row.max_overflow = 10;
  row.timeout_us = 30 * kSecond;
  row.settings = R"({"pool_size": 5, "max_overflow": 10, "pool_timeout": 30, "use_lifo": true})";
  return row;
}

// What a recording of these pools says; each pool's row beside it.
struct RecordedPools {
  RecordingTables tables = small_tables();
  std::vector<recording::PoolRow> rows;
  std::vector<recording::ConnectionRow> connections;
  std::vector<recording::PoolEventRow> events;
  SiteTables code;
  std::vector<recording::RequestSpanRow> spans;

  void add(const SimulatedPool& pool, recording::PoolRow row) {
    row.id = pool.id;
    row.worker = pool.worker;
    rows.push_back(std::move(row));
    for (const auto& connection : pool.connections()) connections.push_back(connection);
    events.insert(events.end(), pool.events.begin(), pool.events.end());
  }

  PoolsResult analyze(const PoolsOptions& options = {}) const {
    PoolsAnalysis analysis(tables, rows, code, spans, options);
    for (const auto& connection : connections) analysis.add(connection);
    for (const auto& event : events) analysis.add(event);
    return analysis.finish({});
  }
};

// 200 checkouts of 20 ms, ten a second.
inline SimulatedPool used_pool() {
  SimulatedPool pool;
  pool.use(0, 20 * kSecond, 100 * kMs, 20 * kMs);
  return pool;
}

inline PoolUse analyze_pool(const SimulatedPool& pool, const recording::PoolRow& row = sqlalchemy_row()) {
  RecordedPools recorded;
  recorded.add(pool, row);
  return recorded.analyze().pools.at(0);
}

}  // namespace heapledger::analysis
