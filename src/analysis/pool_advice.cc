#include "analysis/pool_advice.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/pool_settings.h"
#include "analysis/row_arithmetic.h"
#include "analysis/statistics/erlang.h"

namespace heapledger::analysis {
namespace {

using statistics::LevelSeries;

constexpr double kWaiting = 0.01;
constexpr double kTopTime = 0.999;
constexpr double kKeptTime = 0.95;
constexpr std::uint64_t kCheckoutsABlock = 50;
constexpr std::uint64_t kMostBlocks = 60;
constexpr double kAlwaysNew = 0.5;
constexpr double kNewAgeSeconds = 60;
constexpr double kLeastTimeoutSeconds = 1;
constexpr double kNoLimit = std::numeric_limits<double>::infinity();

// Of one worker, or the largest of several.
struct Demand {
  double load = 0;
  std::int32_t top = 0;
  std::int32_t kept = 0;
  std::uint64_t held = 0;
  std::uint64_t requests = 0;

  std::uint64_t floor() const { return held < 2 ? 1 : requests * (held - 1) + 1; }
};

LevelSeries without_suspects(const WorkerPool& pool, const PoolUse& use) {
  LevelSeries series = pool.history.in_use;
  for (const PoolLeak& leak : use.leaks) {
    if (const auto out_us = pool.history.checkout_us(leak.connection);
        leak.kind == PoolLeakKind::kHeldLong && leak.worker == pool.row.worker && out_us) {
      series.lower_from(*out_us);
    }
  }
  return series;
}

double busiest_load(const LevelSeries& series, std::uint64_t checkouts) {
  double load = 0;
  const std::uint64_t count = std::clamp<std::uint64_t>(checkouts / kCheckoutsABlock, 1, kMostBlocks);
  for (const statistics::LevelBlock& block : series.blocks(count)) {
    load = std::max(load, block.mean);
  }
  return load;
}

Demand demand_of(const PoolGroup& group, const PoolUse& use) {
  Demand demand;
  for (const auto& pool : group.pools) {
    if (pool->history.checkouts == 0) {
      continue;
    }
    const LevelSeries series = without_suspects(*pool, use);
    demand.load = std::max(demand.load, busiest_load(series, pool->history.checkouts));
    demand.top = std::max(demand.top, series.quantile(kTopTime));
    demand.kept = std::max(demand.kept, series.quantile(kKeptTime));
    demand.requests = std::max(demand.requests, pool->history.most_requests);
    for (const auto& [endpoint, of_endpoint] : pool->history.endpoints) {
      demand.held = std::max(demand.held, of_endpoint.most_held);
    }
  }
  return demand;
}

std::int64_t saved_bytes(double connections, double bytes_each) {
  constexpr double kMost = 9e18;
  return static_cast<std::int64_t>(std::clamp(std::round(connections * bytes_each), -kMost, kMost));
}

class Advice {
 public:
  Advice(const PoolGroup& group, const PoolUse& use, const std::optional<double>& room_bytes)
      : group_(group), use_(use), room_bytes_(room_bytes), demand_(demand_of(group, use)) {
    bytes_each_ = use.memory.per_connection_bytes ? use.memory.per_connection_bytes->mean : 0;
  }

  std::vector<PoolRecommendation> all() {
    if (use_.lost == 0) {
      add_sizes();
    }
    add_recycle();
    if (use_.lost == 0) {
      add_timeout();
    }
    return std::move(recommendations_);
  }

 private:
  void add_sizes() {
    PoolRecommendation most = most_connections_needed();
    const double kept = std::min(most.suggested, std::max<double>(1, demand_.kept));
    most.saves_bytes = saved_by_most(most.suggested, kept);
    if (has_overflow(use_.library)) {
      add_kept(kept, most.suggested);
      most.setting = PoolSetting::kMaxOverflow;
      most.current = current(PoolSetting::kMaxOverflow);
      most.suggested -= kept;
      add(most);
    } else {
      most.current = current(PoolSetting::kMaxSize);
      const double needed = most.suggested;
      add(std::move(most));
      add_kept(kept, needed);
    }
  }

  const recording::PoolRow& row() const { return group_.pools.front()->row; }
  std::optional<double> current(PoolSetting setting) const { return setting_value(row(), setting); }

  PoolRecommendation blank(PoolSetting setting, PoolGrounds grounds) const {
    PoolRecommendation blank;
    blank.setting = setting;
    blank.grounds = grounds;
    blank.load = demand_.load;
    blank.hold_seconds = use_.hold_seconds ? use_.hold_seconds->mean : 0;
    blank.per_second = blank.hold_seconds > 0 ? demand_.load / blank.hold_seconds : 0;
    blank.held = demand_.held;
    blank.requests = demand_.requests;
    blank.bytes_each = bytes_each_;
    blank.workers = use_.workers;
    return blank;
  }

  void add(PoolRecommendation made) {
    const auto name = setting_name(use_.library, made.setting);
    if (name) {
      made.name = *name;
      made.config = config_line(use_.library, made.setting, made.suggested);
      recommendations_.push_back(std::move(made));
    }
  }

  // What is held now above `floor` connections a worker and up to `ceiling` of them.
  std::int64_t held_between(double floor, double ceiling) const {
    double held = 0;
    for (const auto& pool : group_.pools) {
      const double size = pool->current ? static_cast<double>(pool->standing().size) : 0;
      held += std::max(0.0, std::min(size, ceiling) - floor);
    }
    return saved_bytes(held, bytes_each_);
  }

  std::int64_t takes_more(double connections) const {
    return saved_bytes(-connections * static_cast<double>(use_.workers), bytes_each_);
  }

  // The connections that are kept save those from the suggestion up to what is kept now; the most save those above
  // that. So no connection is counted twice.
  std::int64_t saved_by_most(double most, double kept) const {
    const std::optional<std::uint64_t> limit = most_connections(row());
    const std::optional<double> kept_now = current(PoolSetting::kMinSize);
    if (limit && most > static_cast<double>(*limit)) {
      const double more = most - static_cast<double>(*limit);
      return takes_more(std::max(0.0, more - (kept_now ? std::max(0.0, kept - *kept_now) : 0.0)));
    }
    const double from = has_overflow(use_.library) && kept_now ? std::max(most, *kept_now) : most;
    return held_between(from, kNoLimit);
  }

  std::int64_t saved_by_kept(double most, double kept) const {
    const std::optional<double> now = current(PoolSetting::kMinSize);
    if (now && kept > *now) {
      return takes_more(kept - *now);
    }
    const double above = has_overflow(use_.library) ? kNoLimit : most;
    return held_between(kept, std::min(above, now.value_or(kNoLimit)));
  }

  PoolRecommendation most_connections_needed() const {
    PoolRecommendation made = blank(PoolSetting::kMaxSize, PoolGrounds::kWaiting);
    std::uint64_t needed = statistics::servers_needed(demand_.load, kWaiting);
    made.level = demand_.top;
    made.level_ratio = kTopTime;
    if (demand_.top > 0 && needed < static_cast<std::uint64_t>(demand_.top)) {
      needed = static_cast<std::uint64_t>(demand_.top);
      made.grounds = PoolGrounds::kKept;
    }
    if (needed < demand_.floor()) {
      needed = demand_.floor();
      made.grounds = PoolGrounds::kDeadlock;
    }
    made.suggested = static_cast<double>(needed);
    const double takes = made.suggested * bytes_each_ * static_cast<double>(use_.workers);
    if (room_bytes_ && bytes_each_ > 0 && takes > *room_bytes_) {
      made.suggested = std::max(1.0, std::floor(*room_bytes_ / bytes_each_ / static_cast<double>(use_.workers)));
      made.grounds = PoolGrounds::kBudget;
    }
    made.wait_ratio = statistics::probability_of_waiting(static_cast<std::uint64_t>(made.suggested), demand_.load);
    return made;
  }

  void add_kept(double kept, double most) {
    PoolRecommendation made = blank(PoolSetting::kMinSize, PoolGrounds::kKept);
    made.current = current(PoolSetting::kMinSize);
    made.suggested = kept;
    made.level = demand_.kept;
    made.level_ratio = kKeptTime;
    made.saves_bytes = saved_by_kept(most, kept);
    add(made);
  }

  void add_recycle() {
    const std::optional<double> set = current(PoolSetting::kRecycle);
    std::uint64_t first_uses = 0;
    std::vector<double> growths;
    for (const auto& pool : group_.pools) {
      first_uses += pool->history.first_uses;
      growths.insert(growths.end(), pool->history.growths_per_second.begin(), pool->history.growths_per_second.end());
    }
    PoolRecommendation made = blank(PoolSetting::kRecycle, PoolGrounds::kAlwaysNew);
    made.current = set;
    if (set == 0.0 && static_cast<double>(first_uses) >= kAlwaysNew * static_cast<double>(use_.checkouts)) {
      made.suggested = kNewAgeSeconds;
      made.level_ratio = static_cast<double>(first_uses) / static_cast<double>(use_.checkouts);
      add(made);
    } else if (!growths.empty() && bytes_each_ > 0) {
      std::nth_element(growths.begin(), growths.begin() + static_cast<std::ptrdiff_t>(growths.size() / 2),
                       growths.end());
      made.grounds = PoolGrounds::kGrows;
      made.bytes_each = growths[growths.size() / 2];
      made.suggested = std::max(1.0, std::round(bytes_each_ / made.bytes_each));
      add(made);
    }
  }

  void add_timeout() {
    const std::optional<double> set = current(PoolSetting::kTimeout);
    if (!set || use_.timeouts > 0 || !use_.wait_seconds || !use_.hold_seconds) {
      return;
    }
    PoolRecommendation made = blank(PoolSetting::kTimeout, PoolGrounds::kLongTimeout);
    made.current = set;
    made.longest_seconds = std::max(use_.wait_seconds->max, use_.hold_seconds->max);
    made.suggested = std::max(kLeastTimeoutSeconds, std::ceil(2 * made.longest_seconds));
    if (*set > 2 * made.suggested) {
      add(made);
    }
  }

  const PoolGroup& group_;
  const PoolUse& use_;
  const std::optional<double>& room_bytes_;
  Demand demand_;
  double bytes_each_ = 0;
  std::vector<PoolRecommendation> recommendations_;
};

}  // namespace

std::vector<PoolRecommendation> recommend(const PoolGroup& group, const PoolUse& use,
                                          const std::optional<double>& room_bytes) {
  if (use.checkouts < kLeastCheckoutsForAdvice) {
    return {};
  }
  return Advice(group, use, room_bytes).all();
}

}  // namespace heapledger::analysis
