#include "analysis/pool_figures.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "analysis/pool_pattern.h"
#include "analysis/pool_settings.h"
#include "analysis/pool_stale.h"
#include "analysis/row_arithmetic.h"
#include "analysis/statistics/sample.h"

namespace heapledger::analysis {
namespace {

using recording::ConnectionRow;
using Times = statistics::Sample<double>;

double seconds_between(std::int64_t from_us, std::int64_t until_us) {
  return std::max(0.0, static_cast<double>(subtract_limited(until_us, from_us)) / 1e6);
}

std::optional<RealDistribution> summary(Times& times) {
  return times.count() > 0 ? std::optional(times.summarize()) : std::nullopt;
}

void add_optional(std::optional<std::uint64_t>& sum, const std::optional<std::uint64_t>& part) {
  if (part) {
    sum = sum.value_or(0) + *part;
  }
}

void take_larger(std::optional<std::uint64_t>& most, const std::optional<std::uint64_t>& one) {
  if (one) {
    most = std::max(most.value_or(0), *one);
  }
}

ConnectionState state_of(recording::ConnectionState state) { return static_cast<ConnectionState>(state); }

PoolConnection connection_of(const WorkerPool& pool, const ConnectionRow& row, const PoolNames& names) {
  PoolConnection connection;
  connection.worker = row.worker;
  connection.id = row.number;
  connection.state = state_of(row.state);
  connection.age_seconds = seconds_between(row.created_us, row.closed_us.value_or(pool.end_us));
  if (row.state == recording::ConnectionState::kIdle) {
    connection.idle_seconds = seconds_between(row.last_event_us, pool.end_us);
  }
  connection.live_bytes = count_of(row.live_bytes);
  if (row.native_bytes) {
    connection.native_bytes = count_of(*row.native_bytes);
  }
  connection.request = names.request(row.endpoint, row.request_sequence);
  connection.stale = is_stale(pool, row).value_or(false);
  return connection;
}

class Figures {
 public:
  Figures(const PoolGroup& group, const PoolNames& names, PoolUse& use) : group_(group), names_(names), use_(use) {}

  void sum() {
    const recording::PoolRow& row = group_.pools.front()->row;
    use_.name = row.name;
    use_.library = row.library;
    use_.min_size = kept_connections(row);
    use_.max_size = most_connections(row);
    use_.timeout_seconds = setting_value(row, PoolSetting::kTimeout);
    use_.recycle_seconds = setting_value(row, PoolSetting::kRecycle);
    std::vector<PoolTrend> trends;
    for (const auto& pool : group_.pools) {
      add_history(pool->history);
      add_standing(*pool);
      add_connections(*pool);
      trends.push_back(judge_course(pool->history.size, pool->history.in_use, pool->history.checkouts));
    }
    use_.workers = workers_.size();
    use_.closed_workers = closed_workers_.size();
    use_.trend = combine_trends(trends);
    add_endpoints();
    if (bytes_.count() > 0) {
      use_.memory.per_connection_bytes = bytes_.summarize();
    }
  }

 private:
  void add_history(const PoolHistory& history) {
    use_.checkouts += history.checkouts;
    use_.timeouts += history.timeouts;
    use_.created += history.created;
    use_.closed += history.closed;
    use_.most_in_use = std::max(use_.most_in_use, history.most_in_use);
    take_larger(use_.most_waiters, history.most_waiters);
    for (const std::uint64_t bytes : history.closed_bytes) {
      bytes_.add(bytes);
    }
    for (const auto& [endpoint, use] : history.endpoints) {
      endpoints_[endpoint].push_back(&use);
    }
  }

  void add_standing(const WorkerPool& pool) {
    if (!pool.current) {
      return;
    }
    if (pool.serves) {
      workers_.insert(pool.row.worker);
    }
    if (pool.serves && pool.was_closed()) {
      closed_workers_.insert(pool.row.worker);
    }
    const PoolHistory::Standing& standing = pool.standing();
    use_.size += standing.size;
    use_.in_use += standing.in_use;
    use_.idle += standing.idle;
    add_optional(use_.waiters, standing.waiters);
    use_.memory.live_bytes += pool.was_closed() ? standing.live_bytes : 0;
  }

  void add_connections(const WorkerPool& pool) {
    std::optional<std::uint64_t> stale;
    for (const ConnectionRow& row : pool.connections) {
      const bool open = row.state != recording::ConnectionState::kClosedKept;
      if (!row.closed_us && row.allocated_bytes > 0) {
        bytes_.add(count_of(row.live_bytes));
      }
      if (!pool.current) {
        continue;
      }
      use_.memory.live_bytes += count_of(row.live_bytes);
      use_.memory.closed_kept_bytes += open ? 0 : count_of(row.live_bytes);
      const std::optional<bool> is_unused = is_stale(pool, row);
      if (is_unused) {
        stale = stale.value_or(0) + (*is_unused ? count_of(row.live_bytes) : 0);
      }
      use_.connections.push_back(connection_of(pool, row, names_));
    }
    if (pool.current) {
      add_optional(use_.memory.stale_bytes, stale);
    }
  }

  void add_endpoints() {
    Times all_waits;
    Times all_holds;
    for (const auto& [id, parts] : endpoints_) {
      Times waits;
      Times holds;
      PoolEndpoint& endpoint = use_.endpoints.emplace_back();
      if (const recording::EndpointRow* row = names_.endpoint(id)) {
        endpoint.method = row->method;
        endpoint.route = row->route;
        endpoint.version = row->version;
      }
      for (const PoolEndpointUse* part : parts) {
        endpoint.checkouts += part->checkouts;
        endpoint.timeouts += part->timeouts;
        endpoint.most_held = std::max(endpoint.most_held, part->most_held);
        add_all(part->waits_seconds, waits, all_waits);
        add_all(part->holds_seconds, holds, all_holds);
      }
      endpoint.wait_seconds = summary(waits);
      endpoint.hold_seconds = summary(holds);
    }
    use_.wait_seconds = summary(all_waits);
    use_.hold_seconds = summary(all_holds);
    std::stable_sort(use_.endpoints.begin(), use_.endpoints.end(), [](const PoolEndpoint& a, const PoolEndpoint& b) {
      return a.checkouts != b.checkouts ? a.checkouts > b.checkouts
                                        : std::tie(a.route, a.method) < std::tie(b.route, b.method);
    });
  }

  static void add_all(const std::vector<double>& times, Times& one, Times& all) {
    for (const double time : times) {
      one.add(time);
      all.add(time);
    }
  }

  const PoolGroup& group_;
  const PoolNames& names_;
  PoolUse& use_;
  std::set<std::int64_t> workers_;
  std::set<std::int64_t> closed_workers_;
  statistics::Sample<std::uint64_t> bytes_;
  std::map<std::optional<std::int64_t>, std::vector<const PoolEndpointUse*>> endpoints_;
};

}  // namespace

void sum_pool_figures(const PoolGroup& group, const PoolNames& names, PoolUse& use) {
  Figures(group, names, use).sum();
}

}  // namespace heapledger::analysis
