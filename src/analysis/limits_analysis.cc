#include "analysis/limits_analysis.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <unordered_set>
#include <utility>

#include "analysis/body_limit.h"
#include "analysis/exhaustion_scenarios.h"
#include "analysis/limit_search.h"
#include "analysis/load_model.h"
#include "analysis/recording_info.h"
#include "analysis/replay.h"
#include "analysis/row_arithmetic.h"
#include "analysis/statistics/quantile.h"

namespace heapledger::analysis {
namespace {

constexpr std::uint64_t kLeastForP99 = 100;
constexpr double kMostTokens = 1'000;  // of one request
constexpr double kOverloads[] = {1, 10};
constexpr std::uint64_t kSeed = 0x68656170;
constexpr std::uint64_t kMostWorkers = 1024;
constexpr char kNoLimitNeeded[] = "no limit of requests at once: a million of them keep within the risk";

EndpointId id_of(const TrafficClass& kind) {
  return {kind.endpoint->method, kind.endpoint->route, kind.endpoint->version};
}

class LimitsAnalysis {
 public:
  LimitsAnalysis(const LimitsInput& input, const LimitsOptions& options)
      : input_(input), options_(options), traffic_(*input.traffic), load_(load_of(traffic_)) {}

  LimitsResult find() {
    describe();
    const BudgetParts parts = find_budget(*input_.tables, *input_.samples, options_.memory_limit_bytes);
    result_.budget = parts.budget;
    result_.limits.workers_now = parts.serving;
    find_costs();
    result_.missing = why_missing();
    if (result_.missing == LimitsMissing::kNothing) {
      headroom_ = static_cast<double>(*result_.budget.headroom_bytes);
      find_rates();
      find_endpoint_limits();
      find_scenarios();
      find_workers(parts);
      compare_strategies();
    }
    sort();
    return std::move(result_);
  }

 private:
  void describe() {
    std::unordered_set<std::int64_t> served;
    for (const auto& span : input_.samples->spans) {
      served.insert(span.worker);
    }
    result_.recording = describe_recording(*input_.tables, serving_workers(*input_.tables, std::move(served)).size());
    result_.risk_seconds = static_cast<double>(options_.risk_us) / 1e6;
    risk_per_day_ = kSecondsADay / result_.risk_seconds;
    result_.requests = traffic_.requests();
    result_.traffic_seconds = traffic_.requests() > 0 ? traffic_.seconds() : 0;
    result_.requests_without_curve = traffic_.without_curve();
    result_.folded_requests = traffic_.folded_requests();
    result_.folded_requests_left_out = traffic_.folded_left_out();
    result_.limit = options_.limit;
    result_.chosen = !options_.routes.empty() || !options_.methods.empty();
    if (input_.shown != nullptr) {
      result_.unmatched = input_.shown->unmatched(input_.tables->endpoints);
    }
    add_tails(traffic_, load_);
  }

  LimitsMissing why_missing() {
    const MemoryBudget& budget = result_.budget;
    if (result_.requests == 0) return LimitsMissing::kNoTraffic;
    if (!(traffic_.seconds() > 0)) return LimitsMissing::kNoTime;
    if (result_.requests < kLeastLimitRequests) {
      result_.requests_needed = kLeastLimitRequests;
      return LimitsMissing::kTooFewRequests;
    }
    if (!budget.limit_bytes) return LimitsMissing::kNoLimit;
    if (!budget.baseline_bytes) return LimitsMissing::kNoMemorySample;
    return budget.headroom_bytes ? LimitsMissing::kNothing : LimitsMissing::kBelowBaseline;
  }

  void find_costs() {
    for (std::size_t i = 0; i < load_.size(); ++i) {
      TrafficClass& kind = traffic_.classes()[i];
      RequestTypeCost& cost = result_.costs.emplace_back();
      cost.endpoint = id_of(kind);
      cost.requests = rounded_count(load_[i].requests);
      cost.requests_per_second = load_[i].per_second;
      cost.byte_seconds = load_[i].byte_seconds();
      if (kind.peaks.size() >= kLeastForP99) {
        const std::uint64_t rank = statistics::nearest_rank(kind.peaks.size(), 99);
        cost.p99_peak_bytes = rounded_count(statistics::select_rank(std::span<double>(kind.peaks), rank, 0));
      }
      if (load_[i].tail) {
        cost.tail_index = load_[i].tail->index;
        cost.tail_index_error = load_[i].tail->error;
      }
    }
  }

  bool endless(std::size_t i) const { return load_[i].tail && load_[i].tail->index >= 1; }

  void find_rates() {
    MemoryLimits& limits = result_.limits;
    const double factor = safe_factor(load_, headroom_, risk_per_day_);
    rates_ = safe_rates(load_, headroom_, risk_per_day_, factor);
    const std::vector<double> effective = effective_byte_seconds(load_, rates_, headroom_);
    double least = 0;
    double most = 0;
    for (std::size_t i = 0; i < effective.size(); ++i) {
      if (!endless(i) && effective[i] > 0) {
        least = least > 0 ? std::min(least, effective[i]) : effective[i];
        most = std::max(most, effective[i]);
      }
    }
    const double unit = std::max(least, most / kMostTokens);
    tokens_.assign(effective.size(), 1);
    double total = 0;
    double per_second = 0;
    for (std::size_t i = 0; i < effective.size(); ++i) {
      RequestTypeCost& cost = result_.costs[i];
      total += rates_[i];
      if (endless(i)) {
        cost.reason = "its peaks have no finite mean (tail index 1 or more): no rate is safe, limit the body";
        continue;
      }
      cost.effective_bytes =
          load_[i].seconds > 0 ? std::optional(rounded_count(effective[i] / load_[i].seconds)) : std::nullopt;
      tokens_[i] = unit > 0 ? std::max(1.0, std::ceil(effective[i] / unit - 1e-9)) : 1;
      cost.tokens = static_cast<std::uint64_t>(tokens_[i]);
      per_second += rates_[i] * tokens_[i];
    }
    limits.requests_per_second = total;
    limits.tokens_per_second = per_second;
    limits.token_byte_seconds = unit;
    find_concurrency();
  }

  void find_concurrency() {
    MemoryLimits& limits = result_.limits;
    const std::uint64_t at_once = safe_concurrency(load_, headroom_, risk_per_day_);
    limits.any_concurrency = at_once >= kMostConcurrency;
    if (limits.any_concurrency) {
      limits.concurrency_reason = kNoLimitNeeded;
    } else if (at_once > 0) {
      limits.concurrency = at_once;
    } else {
      limits.concurrency_reason = "not even one request at once is safe";
    }
  }

  // More of one endpoint than of all together are not let in at once; where any number is safe, a body is asked alone.
  double bodies_at_once(const EndpointLimit& limit, std::uint64_t at_once) const {
    const MemoryLimits& all = result_.limits;
    if (limit.any_concurrency || all.any_concurrency) {
      return 1;
    }
    return static_cast<double>(std::max<std::uint64_t>(1, std::min(at_once, all.concurrency.value_or(1))));
  }

  void find_endpoint_limits() {
    const double now = high_level(load_, headroom_);
    std::vector<LoadClass> limited = load_;
    for (std::size_t i = 0; i < limited.size(); ++i) {
      limited[i].per_second = rates_[i];
    }
    const double limited_level = high_level(limited, headroom_);
    double capacity = 0;
    for (std::size_t i = 0; i < load_.size(); ++i) {
      const TrafficClass& kind = traffic_.classes()[i];
      EndpointLimit& limit = result_.limits.endpoints.emplace_back();
      limit.endpoint = id_of(kind);
      limit.requests_per_second_now = load_[i].per_second;
      add_burst(i, now);
      const double others = others_level(limited, i);
      const std::uint64_t at_once = safe_concurrency({load_[i]}, std::max(1.0, headroom_ - others), risk_per_day_);
      set_concurrency(limit, at_once);
      if (!endless(i)) {
        limit.requests_per_second = rates_[i];
        const std::uint64_t burst = std::min(burst_of(load_[i], headroom_ - limited_level), at_once);
        limit.burst = burst > 0 ? burst - 1 : 0;
      } else {
        add_reason(limit, result_.costs[i].reason);
      }
      const SafeBody body = body_limit(kind.bodies, headroom_ - others, bodies_at_once(limit, at_once));
      limit.max_body_bytes = body.max_bytes;
      limit.largest_body_bytes = body.largest_bytes;
      if (!body.reason.empty()) {
        add_reason(limit, "no body limit: " + body.reason);
      }
      capacity = std::max(capacity, tokens_[i] * static_cast<double>(limit.burst.value_or(0) + 1));
    }
    result_.limits.token_capacity = rounded_count(capacity);
  }

  static void set_concurrency(EndpointLimit& limit, std::uint64_t at_once) {
    limit.any_concurrency = at_once >= kMostConcurrency;
    if (limit.any_concurrency || at_once == 0) {
      add_reason(limit, limit.any_concurrency ? kNoLimitNeeded : "not even one at once is safe");
    } else {
      limit.concurrency = at_once;
    }
  }

  static void add_reason(EndpointLimit& limit, const std::string& reason) {
    limit.reason += (limit.reason.empty() ? "" : "; ") + reason;
  }

  // Mean of what the other endpoints' requests hold.
  static double others_level(const std::vector<LoadClass>& load, std::size_t index) {
    double sum = 0;
    for (std::size_t i = 0; i < load.size(); ++i) {
      sum += i == index ? 0 : load[i].per_second * load[i].byte_seconds();
    }
    return sum;
  }

  void add_burst(std::size_t i, double now_bytes) {
    TrafficClass& kind = traffic_.classes()[i];
    BurstRoom& burst = result_.burst.emplace_back();
    burst.endpoint = id_of(kind);
    burst.from_idle = burst_of(load_[i], headroom_);
    burst.from_now = burst_of(load_[i], headroom_ - now_bytes);
    burst.held_seconds = kind.half_peak_seconds / std::max(1.0, static_cast<double>(kind.peaks.size()));
    if (!kind.durations.empty()) {
      const std::uint64_t rank = statistics::nearest_rank(kind.durations.size(), 99);
      burst.recovery_seconds = static_cast<double>(statistics::select_rank(std::span<float>(kind.durations), rank, 0));
    }
  }

  // Of all endpoints that leak, what a request of the recorded mix leaves behind.
  double leak_per_request() const {
    double bytes = 0;
    for (const LeakFinding& finding : input_.leaks->findings) {
      if (finding.verdict == LeakVerdict::kLeak && finding.bytes_per_request) {
        bytes += *finding.bytes_per_request * static_cast<double>(finding.requests);
      }
    }
    return bytes / std::max(1.0, static_cast<double>(result_.requests));
  }

  void find_scenarios() {
    double per_second = 0;
    for (const LoadClass& one : load_) {
      per_second += one.per_second;
    }
    const double leak = leak_per_request();
    ScenarioInput input{&traffic_, &load_, headroom_, risk_per_day_, std::nullopt, kSeed};
    if (leak > 0) {
      input.leak = Leak{leak * per_second};
      result_.limits.leak_bytes_per_request = leak;
      const double spare = spare_bytes(load_, headroom_, risk_per_day_);
      const double workers = std::max(1.0, static_cast<double>(result_.limits.workers_now));
      const auto requests = static_cast<std::uint64_t>(spare / leak / workers);
      if (requests > 0) {
        result_.limits.max_requests = requests;
      }
    }
    result_.exhaustion = exhaustion_scenarios(input);
  }

  void find_workers(const BudgetParts& parts) {
    MemoryLimits& limits = result_.limits;
    if (parts.serving == 0 || !(parts.worker_baseline_bytes > 0)) {
      limits.worker_reason = "no process that served requests has a sample of its memory";
      return;
    }
    const double serving = static_cast<double>(parts.serving) * parts.worker_baseline_bytes;
    const double others = std::max(0.0, static_cast<double>(*result_.budget.baseline_bytes) - serving);
    const auto limit = static_cast<double>(*result_.budget.limit_bytes);
    const auto room_with = [&](std::uint64_t workers) {
      const double baseline = others + static_cast<double>(workers) * parts.worker_baseline_bytes;
      return (limit - baseline) / *result_.budget.overhead_ratio;
    };
    std::uint64_t fit = 0;
    for (std::uint64_t step = kMostWorkers; step > 0; step /= 2) {
      const double room = room_with(fit + step);
      if (room > 0 && exhaust(load_, room, {}, statistics::kCoarseCells).at_risk_per_day <= risk_per_day_) {
        fit += step;
      }
    }
    if (fit == 0) {
      limits.worker_reason = "no worker count keeps within the risk";
    } else if (fit == 2 * kMostWorkers - 1) {
      limits.worker_reason = "no limit: more than " + std::to_string(fit) + " workers fit";
    } else {
      limits.worker_count = fit;
      limits.worker_headroom_bytes = rounded_count(room_with(fit));
      const std::uint64_t at_once = safe_concurrency(load_, room_with(fit), risk_per_day_);
      if (at_once > 0 && at_once < kMostConcurrency) {
        limits.worker_concurrency = at_once;
      }
    }
  }

  void compare_strategies() {
    const std::vector<ReplayRow> rows = traffic_.replay();
    result_.replayed_requests = rows.size();
    ReplayLimits limits;
    limits.headroom_bytes = headroom_;
    limits.requests_per_second = *result_.limits.requests_per_second;
    limits.tokens_per_second = *result_.limits.tokens_per_second;
    limits.token_capacity = static_cast<double>(*result_.limits.token_capacity);
    limits.tokens = tokens_;
    limits.concurrency = result_.limits.concurrency.value_or(result_.limits.any_concurrency ? kMostConcurrency : 0);
    limits.request_burst = static_cast<double>(std::max<std::uint64_t>(1, limits.concurrency));
    for (std::size_t i = 0; i < load_.size(); ++i) {
      const auto& peaks = load_[i].peaks.bins();
      const double highest = peaks.empty() ? 0 : peaks.rbegin()->second.bytes();
      limits.reserved.push_back(result_.costs[i].p99_peak_bytes ? static_cast<double>(*result_.costs[i].p99_peak_bytes)
                                                                : highest);
    }
    for (const double overload : kOverloads) {
      for (const LimitStrategy strategy : {LimitStrategy::kNone, LimitStrategy::kFixedRate, LimitStrategy::kTokenBucket,
                                           LimitStrategy::kConcurrency, LimitStrategy::kReservation}) {
        result_.strategies.push_back(replay(rows, limits, strategy, overload));
      }
    }
    recommend();
  }

  // Under the highest overload: fewest exceedances, then most served.
  void recommend() {
    StrategyOutcome* best = nullptr;
    for (StrategyOutcome& outcome : result_.strategies) {
      const bool counts = outcome.load_ratio == kOverloads[1];
      const auto rank = [](const StrategyOutcome& one) { return std::pair(one.exceedances, -one.goodput_per_second); };
      if (counts && (best == nullptr || rank(outcome) < rank(*best))) {
        best = &outcome;
      }
    }
    if (best != nullptr) {
      best->recommended = true;
    }
  }

  template <class Row>
  void reorder(std::vector<Row>& rows, const std::vector<std::size_t>& order) {
    std::vector<Row> sorted;
    for (const std::size_t i : order) {
      if (i < rows.size()) {
        sorted.push_back(std::move(rows[i]));
      }
    }
    rows = std::move(sorted);
  }

  void sort() {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < load_.size(); ++i) {
      if (input_.shown == nullptr || input_.shown->has_endpoint(*traffic_.classes()[i].endpoint)) {
        order.push_back(i);
      }
    }
    const auto weight = [this](std::size_t i) { return load_[i].requests * load_[i].byte_seconds(); };
    const auto name = [this](std::size_t i) {
      const auto& row = *traffic_.classes()[i].endpoint;
      return std::tie(row.route, row.method, row.version);
    };
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return weight(a) != weight(b) ? weight(a) > weight(b) : name(a) < name(b);
    });
    reorder(result_.costs, order);
    reorder(result_.limits.endpoints, order);
    reorder(result_.burst, order);
  }

  const LimitsInput& input_;
  const LimitsOptions& options_;
  Traffic& traffic_;
  std::vector<LoadClass> load_;
  std::vector<double> rates_;
  std::vector<double> tokens_;
  double headroom_ = 0;
  double risk_per_day_ = 0;
  LimitsResult result_;
};

}  // namespace

LimitsResult find_limits(const LimitsInput& input, const LimitsOptions& options) {
  if (options.risk_us <= 0) {
    throw std::invalid_argument("the risk must be one exceedance in a time above 0");
  }
  return LimitsAnalysis(input, options).find();
}

}  // namespace heapledger::analysis
