#include "analysis/replay.h"

#include <algorithm>
#include <deque>
#include <queue>

#include "analysis/level_curve.h"
#include "analysis/statistics/quantile.h"

namespace heapledger::analysis {
namespace {

// A change of what a running request holds; the last one is its end.
struct Change {
  double at_seconds = 0;
  std::uint32_t row = 0;
  std::uint8_t part = 0;
  bool operator<(const Change& other) const { return at_seconds > other.at_seconds; }  // earliest first
};

struct Bucket {
  double level = 0;
  double capacity = 0;
  double per_second = 0;
  double at_seconds = 0;
  bool take(double amount, double now) {
    level = std::min(capacity, level + (now - at_seconds) * per_second);
    at_seconds = now;
    if (level < amount) {
      return false;
    }
    level -= amount;
    return true;
  }
};

class Replay {
 public:
  Replay(const std::vector<ReplayRow>& rows, const ReplayLimits& limits, LimitStrategy strategy, double load_ratio)
      : rows_(rows), limits_(limits), strategy_(strategy), load_ratio_(load_ratio), held_(rows.size(), 0) {
    const bool tokens = strategy == LimitStrategy::kTokenBucket;
    bucket_.capacity = std::max(1.0, tokens ? limits.token_capacity : limits.request_burst);
    bucket_.per_second = tokens ? limits.tokens_per_second : limits.requests_per_second;
    bucket_.level = bucket_.capacity;
  }

  StrategyOutcome run() {
    for (std::uint32_t row = 0; row < rows_.size(); ++row) {
      const double arrival = static_cast<double>(rows_[row].started_us - rows_[0].started_us) / 1e6 / load_ratio_;
      advance(arrival);
      arrive(row, arrival);
    }
    while (!changes_.empty()) {
      advance(changes_.top().at_seconds);
    }
    rejected_ += waiting_.size();  // nothing runs, and they do not fit
    return outcome();
  }

 private:
  struct Waiting {
    std::uint32_t row;
    double since;
  };

  double reserved(std::uint32_t row) const { return limits_.reserved[rows_[row].endpoint]; }

  bool fits(std::uint32_t row) const {
    return strategy_ == LimitStrategy::kConcurrency ? running_ < limits_.concurrency
                                                    : reserved_ + reserved(row) <= limits_.headroom_bytes;
  }

  void arrive(std::uint32_t row, double now) {
    bool taken = true;
    if (strategy_ == LimitStrategy::kFixedRate) {
      taken = bucket_.take(1, now);
    } else if (strategy_ == LimitStrategy::kTokenBucket) {
      taken = bucket_.take(limits_.tokens[rows_[row].endpoint], now);
    } else if (strategy_ == LimitStrategy::kReservation && reserved(row) > limits_.headroom_bytes) {
      taken = false;
    } else if (strategy_ != LimitStrategy::kNone && (!waiting_.empty() || !fits(row))) {
      waiting_.push_back({row, now});
      return;
    }
    if (taken) {
      start(row, now, 0);
    } else {
      ++rejected_;
    }
  }

  void start(std::uint32_t row, double now, double waited) {
    ++running_;
    ++served_;
    reserved_ += reserved(row);
    waits_.push_back(waited);
    step({now, row, 0});
  }

  // What the request holds from now on, and when that changes.
  void step(const Change& change) {
    const ReplayRow& row = rows_[change.row];
    const LevelCurve curve = level_curve(row.peak_bytes, row.byte_seconds, row.duration_seconds,
                                         row.has_curve ? std::optional(row.curve) : std::nullopt);
    const std::size_t parts = curve.rectangle ? 1 : kCurveParts;
    if (change.part == parts) {
      set_held(change.row, 0, change.at_seconds);
      --running_;
      reserved_ -= reserved(change.row);
      return;
    }
    // The peak is of a moment in the highest part: it is reached, then left.
    const auto highest = std::max_element(curve.levels.begin(), curve.levels.end()) - curve.levels.begin();
    if (change.part == highest) {
      set_held(change.row, row.peak_bytes, change.at_seconds);
    }
    set_held(change.row, curve.levels[change.part], change.at_seconds);
    changes_.push({change.at_seconds + curve.part_seconds, change.row, static_cast<std::uint8_t>(change.part + 1)});
  }

  void set_held(std::uint32_t row, double bytes, double now) {
    const bool was_over = total_ > limits_.headroom_bytes;
    over_seconds_ += was_over ? now - now_ : 0;
    now_ = now;
    total_ = std::max(0.0, total_ + bytes - held_[row]);
    held_[row] = bytes;
    exceedances_ += !was_over && total_ > limits_.headroom_bytes ? 1 : 0;
  }

  void advance(double until) {
    while (!changes_.empty() && changes_.top().at_seconds <= until) {
      const Change change = changes_.top();
      changes_.pop();
      give_up(change.at_seconds);
      step(change);
      while (!waiting_.empty() && fits(waiting_.front().row)) {
        const Waiting next = waiting_.front();
        waiting_.pop_front();
        start(next.row, change.at_seconds, change.at_seconds - next.since);
      }
    }
    give_up(until);
  }

  void give_up(double now) {
    while (!waiting_.empty() && now - waiting_.front().since > kLongestWaitSeconds) {
      waiting_.pop_front();
      ++rejected_;
    }
  }

  StrategyOutcome outcome() {
    StrategyOutcome result;
    result.strategy = strategy_;
    result.load_ratio = load_ratio_;
    result.exceedances = exceedances_;
    result.rejected = rejected_;
    result.rejected_ratio = static_cast<double>(rejected_) / std::max(1.0, static_cast<double>(rows_.size()));
    result.time_over_ratio = now_ > 0 ? over_seconds_ / now_ : 0;
    result.goodput_per_second = now_ > 0 ? static_cast<double>(served_) / now_ : 0;
    if (!waits_.empty()) {
      result.wait_p99_seconds =
          statistics::select_rank(std::span<double>(waits_), statistics::nearest_rank(waits_.size(), 99), 0);
    }
    return result;
  }

  const std::vector<ReplayRow>& rows_;
  const ReplayLimits& limits_;
  LimitStrategy strategy_;
  double load_ratio_;
  std::vector<double> held_;
  std::vector<double> waits_;
  std::priority_queue<Change> changes_;
  std::deque<Waiting> waiting_;
  Bucket bucket_;
  double total_ = 0;
  double reserved_ = 0;
  double now_ = 0;
  double over_seconds_ = 0;
  std::uint64_t running_ = 0;
  std::uint64_t served_ = 0;
  std::uint64_t rejected_ = 0;
  std::uint64_t exceedances_ = 0;
};

}  // namespace

StrategyOutcome replay(const std::vector<ReplayRow>& rows, const ReplayLimits& limits, LimitStrategy strategy,
                       double load_ratio) {
  return rows.empty() ? StrategyOutcome{} : Replay(rows, limits, strategy, load_ratio).run();
}

}  // namespace heapledger::analysis
