// One pool of one worker, from its events: what was taken out by whom for how long, and how it moved.
//
// Keeps sixteen bytes an event at most for levels and eight for each wait and hold, and a record for each open
// connection; a closed one leaves its bytes. An event that does not fit what is known (others were lost) is taken for
// what it says itself. One thread at a time; allocates.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "analysis/statistics/level_series.h"
#include "recording/pool_rows.h"

namespace heapledger::analysis {

// Of the requests of one endpoint, or of what ran outside of requests (nullopt as its key).
struct PoolEndpointUse {
  std::uint64_t checkouts = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t most_held = 0;
  std::vector<double> waits_seconds;
  std::vector<double> holds_seconds;
};

// Least live bytes of a connection when it came back, in equal runs of its uses: between eight and sixteen of them once
// it had so many uses, each twice as long whenever there would be more.
class ReturnedBytes {
 public:
  void add(std::int64_t at_us, std::uint64_t live_bytes);
  // Bytes a second, when every run's least is above that of the run before: of what does not grow, one in 40,000 looks
  // like that by chance (8!).
  std::optional<double> growth_per_second() const;

 private:
  struct Run {
    std::uint64_t least_bytes;
    std::int64_t at_us;
  };
  std::array<Run, 16> runs_{};
  std::size_t count_ = 0;
  std::uint64_t uses_in_run_ = 0;
  std::uint64_t run_length_ = 1;
};

class PoolHistory {
 public:
  void add(const recording::PoolEventRow& event);

  // Nothing more comes; `end_us` when the pool was last watched.
  void end(std::int64_t end_us);

  struct Standing {
    std::uint64_t size = 0;
    std::uint64_t in_use = 0;
    std::uint64_t idle = 0;
    std::uint64_t live_bytes = 0;
    std::optional<std::uint64_t> waiters;
  };
  const Standing& at_last_use() const { return at_last_use_; }
  const Standing& at_end() const { return now_; }

  // When a connection that is out was taken out.
  std::optional<std::int64_t> checkout_us(std::int64_t connection) const;
  // When an open one was last taken out or put back.
  std::optional<std::int64_t> last_use_us(std::int64_t connection) const;
  std::optional<std::uint64_t> most_live_bytes(std::int64_t connection) const;

  std::map<std::optional<std::int64_t>, PoolEndpointUse> endpoints;
  statistics::LevelSeries size;
  statistics::LevelSeries in_use;
  std::vector<std::uint64_t> closed_bytes;  // of each closed connection, at the latest while it was open
  std::vector<double> growths_per_second;   // of connections that grew, closed ones first
  std::uint64_t checkouts = 0;
  std::uint64_t first_uses = 0;  // of these, of a connection that was made for it
  std::uint64_t timeouts = 0;
  std::uint64_t created = 0;
  std::uint64_t closed = 0;
  std::uint64_t most_in_use = 0;
  std::optional<std::uint64_t> most_waiters;
  std::uint64_t most_requests = 0;  // that held or waited at one time
  std::uint64_t reuses = 0;
  std::int64_t longest_reused_us = 0;  // idle time after which a connection was still used again
  std::optional<std::int64_t> first_us;
  std::optional<std::int64_t> last_checkout_us;

 private:
  struct Open {
    std::int64_t since_us = 0;  // taken out, or put back
    bool out = false;
    bool used = false;
    bool made_here = false;  // its making was seen
    std::optional<std::int64_t> endpoint;
    std::optional<std::int64_t> sequence;
    std::optional<std::uint64_t> live_bytes;
    std::uint64_t most_live_bytes = 0;
    ReturnedBytes returned;
  };
  void note_levels(const recording::PoolEventRow& event);
  void note_bytes(const recording::PoolEventRow& event, Open& connection);
  void check_out(const recording::PoolEventRow& event, Open& connection);
  void put_back(const recording::PoolEventRow& event, Open& connection);
  void close(const recording::PoolEventRow& event, Open& connection);

  std::unordered_map<std::int64_t, Open> open_;
  std::unordered_map<std::int64_t, std::uint64_t> held_;  // by request, of those that hold any
  std::unordered_map<std::int64_t, std::uint64_t> most_of_closed_;
  Standing now_;
  Standing at_last_use_;
};

}  // namespace heapledger::analysis
