#include "analysis/pool_leaks.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "analysis/row_arithmetic.h"
#include "analysis/statistics/tail.h"

namespace heapledger::analysis {
namespace {

using recording::ConnectionRow;

constexpr std::int64_t kGraceUs = 1'000'000;
constexpr std::uint64_t kLeastKeptBytes = 1024;
constexpr double kKeptRatio = 0.5;
constexpr double kFirstKeptRatio = 0.9;
constexpr double kFalseAlarms = 0.01;

double seconds_between(std::int64_t from_us, std::int64_t until_us) {
  return std::max(0.0, static_cast<double>(subtract_limited(until_us, from_us)) / 1e6);
}

std::vector<double> holds_of(const PoolGroup& group) {
  std::vector<double> holds;
  for (const auto& pool : group.pools) {
    for (const auto& [endpoint, use] : pool->history.endpoints) {
      holds.insert(holds.end(), use.holds_seconds.begin(), use.holds_seconds.end());
    }
  }
  return holds;
}

class LeakSearch {
 public:
  LeakSearch(const WorkerPool& pool, const OpenRequests& open, const std::optional<double>& threshold)
      : pool_(pool), open_(open), threshold_(threshold) {}

  std::optional<PoolLeakKind> kind_of(const ConnectionRow& row) const {
    switch (row.state) {
      case recording::ConnectionState::kOrphan:
        return PoolLeakKind::kOrphan;
      case recording::ConnectionState::kClosedKept:
        return keeps_itself(row) ? std::optional(PoolLeakKind::kClosedKept) : std::nullopt;
      case recording::ConnectionState::kInUse:
        return kind_in_use(row);
      default:
        return std::nullopt;
    }
  }

  double held_seconds(const ConnectionRow& row) const {
    if (row.state == recording::ConnectionState::kClosedKept) {
      return seconds_between(row.closed_us.value_or(row.last_event_us), pool_.end_us);
    }
    return seconds_between(pool_.history.checkout_us(row.number).value_or(row.last_event_us), pool_.end_us);
  }

  std::uint64_t open_bytes(const ConnectionRow& row) const {
    return pool_.history.most_live_bytes(row.number).value_or(count_of(row.allocated_bytes));
  }

 private:
  std::optional<PoolLeakKind> kind_in_use(const ConnectionRow& row) const {
    const double held = held_seconds(row);
    const bool ended = row.request_sequence && !open_.contains({row.worker, *row.request_sequence});
    if (ended && (!pool_.worker_runs || held * 1e6 >= static_cast<double>(kGraceUs))) {
      return PoolLeakKind::kNeverReturned;
    }
    return threshold_ && held > *threshold_ ? std::optional(PoolLeakKind::kHeldLong) : std::nullopt;
  }

  bool keeps_itself(const ConnectionRow& row) const {
    const double ratio = row.number == pool_.first_number ? kFirstKeptRatio : kKeptRatio;
    const std::uint64_t live = count_of(row.live_bytes);
    return live >= kLeastKeptBytes && static_cast<double>(live) >= ratio * static_cast<double>(open_bytes(row));
  }

  const WorkerPool& pool_;
  const OpenRequests& open_;
  const std::optional<double>& threshold_;
};

}  // namespace

std::optional<double> hold_threshold(const PoolGroup& group) {
  std::vector<double> holds = holds_of(group);
  return statistics::tail_threshold(holds, kFalseAlarms);
}

std::vector<PoolLeak> find_pool_leaks(const PoolGroup& group, const OpenRequests& open, const PoolNames& names) {
  const std::size_t holds = holds_of(group).size();
  const std::optional<double> threshold = hold_threshold(group);
  std::vector<PoolLeak> leaks;
  for (const auto& pool : group.pools) {
    const LeakSearch search(*pool, open, threshold);
    for (const ConnectionRow& row : pool->connections) {
      const std::optional<PoolLeakKind> kind = search.kind_of(row);
      if (!kind) {
        continue;
      }
      PoolLeak& leak = leaks.emplace_back();
      leak.kind = *kind;
      leak.worker = row.worker;
      leak.connection = row.number;
      leak.request = names.request(row.endpoint, row.request_sequence);
      leak.held_seconds = search.held_seconds(row);
      leak.live_bytes = count_of(row.live_bytes);
      leak.stack = names.stack(row.stack);
      leak.gone = row.closed_us.has_value();
      leak.open_bytes = search.open_bytes(row);
      leak.threshold_seconds = threshold.value_or(0);
      leak.holds = holds;
    }
  }
  std::stable_sort(leaks.begin(), leaks.end(), [](const PoolLeak& a, const PoolLeak& b) {
    return std::tuple(a.kind, -a.held_seconds.value_or(0)) < std::tuple(b.kind, -b.held_seconds.value_or(0));
  });
  return leaks;
}

}  // namespace heapledger::analysis
