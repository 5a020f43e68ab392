#include "analysis/exhaustion_scenarios.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

constexpr std::size_t kDraws = 100;
constexpr double kSurge = 10;
constexpr double kSlow = 3;
// How far a fitted tail is believed: until the recording would have had to be twenty times as long to show one such
// request.
constexpr double kLeastTailRequests = 0.05;
constexpr double kTailShare = 0.1;
constexpr double kRareSeconds = 1e12;

struct Draws {
  std::vector<std::vector<LoadClass>> loads;
};

Draws draw_loads(const ScenarioInput& input) {
  Draws draws;
  std::mt19937_64 random(input.seed);
  for (std::size_t draw = 0; draw < kDraws; ++draw) {
    std::vector<std::size_t> parts(kTrafficParts);
    for (std::size_t& part : parts) {
      part = random() % kTrafficParts;
    }
    draws.loads.push_back(load_of(*input.traffic, parts));
  }
  return draws;
}

EndpointId id_of(const TrafficClass& kind) {
  return {kind.endpoint->method, kind.endpoint->route, kind.endpoint->version};
}

class Scenarios {
 public:
  explicit Scenarios(const ScenarioInput& input) : input_(input), draws_(draw_loads(input)) {}

  std::vector<ExhaustionScenario> all() {
    add("observed", {});
    add("x2", {2, 1, {}, 1});
    add("x5", {5, 1, {}, 1});
    if (const auto worst = worst_surge()) {
      const TrafficClass& kind = input_.traffic->classes()[*worst];
      add("x10 " + kind.endpoint->method + " " + kind.endpoint->route, {1, 1, worst, kSurge});
    }
    add("all requests x3 as long", {1, kSlow, {}, 1});
    if (input_.leak && input_.leak->bytes_per_second > 0) {
      add_leak();
    }
    return std::move(found_);
  }

 private:
  // Which endpoint's surge does most; by the fitted load alone.
  std::optional<std::size_t> worst_surge() const {
    std::optional<std::size_t> worst;
    double most = -1;
    for (std::size_t i = 0; i < input_.load->size(); ++i) {
      const Exhaustion with = exhaust(*input_.load, input_.headroom_bytes, {1, 1, i, kSurge}, statistics::kCoarseCells);
      const double weight = with.at_risk_per_day + with.mean_bytes * 1e-12;
      if (weight > most) {
        most = weight;
        worst = i;
      }
    }
    return worst;
  }

  double largest_peak() const {
    double largest = 0;
    for (const TrafficClass& kind : input_.traffic->classes()) {
      for (const double peak : kind.peaks) {
        largest = std::max(largest, peak);
      }
    }
    return largest;
  }

  PerDay interval_of(const Heavier& heavier, double center, double tail_per_day) const {
    std::vector<double> rates;
    for (const auto& load : draws_.loads) {
      rates.push_back(exhaust(load, input_.headroom_bytes, heavier, statistics::kCoarseCells).exceedances_per_day);
    }
    std::sort(rates.begin(), rates.end());
    const auto at = [&rates](double share) {
      return rates[static_cast<std::size_t>(share * static_cast<double>(rates.size() - 1) + 0.5)];
    };
    const double low_tail = tail_with_error(heavier, -2);
    const double high_tail = std::max(tail_per_day, tail_with_error(heavier, 2));
    return {std::min(center, at(0.025) + low_tail), std::max(center, at(0.975) + high_tail)};
  }

  double tail_with_error(const Heavier& heavier, double errors) const {
    std::vector<LoadClass> load = *input_.load;
    for (LoadClass& one : load) {
      if (one.tail) {
        one.tail->index += errors * one.tail->error;
      }
    }
    return exhaust(load, input_.headroom_bytes, heavier, statistics::kCoarseCells).tail_per_day;
  }

  void add(const std::string& name, const Heavier& heavier) {
    const Exhaustion found = exhaust(*input_.load, input_.headroom_bytes, heavier);
    ExhaustionScenario& row = found_.emplace_back();
    row.scenario = name;
    const auto most = std::max_element(found.by_class_per_day.begin(), found.by_class_per_day.end());
    if (most != found.by_class_per_day.end() && *most > 0) {
      row.first = id_of(input_.traffic->classes()[static_cast<std::size_t>(most - found.by_class_per_day.begin())]);
    }
    const bool tail_counts = found.tail_per_day > kTailShare * found.exceedances_per_day &&
                             tail_with_error(heavier, 2) > kTailShare * input_.risk_per_day;
    if (tail_counts && found.tail_requests < kLeastTailRequests) {
      row.method = ExhaustionMethod::kBeyondTheData;
      row.recorded_per_day = found.exceedances_per_day;
      row.largest_peak_bytes = rounded_count(largest_peak());
      row.needed_peak_bytes = rounded_count(std::max(0.0, input_.headroom_bytes - found.mean_bytes));
      return;
    }
    row.method = tail_counts ? ExhaustionMethod::kTail : ExhaustionMethod::kInversion;
    row.exceedances_per_day = found.per_day();
    row.exceedances_per_day_interval = interval_of(heavier, found.per_day(), found.tail_per_day);
    row.time_over_ratio = found.over_ratio;
    // Of an average that is above the headroom: at once, as nothing keeps it below.
    const double seconds = kSecondsADay / found.per_day();
    if (std::isfinite(seconds) && seconds < kRareSeconds) {
      row.seconds_to_exhaustion = found.mean_bytes >= input_.headroom_bytes ? 0 : seconds;
    }
  }

  void add_leak() {
    ExhaustionScenario& row = found_.emplace_back();
    row.scenario = "leak until restart";
    const double spare = spare_bytes(*input_.load, input_.headroom_bytes, input_.risk_per_day);
    row.seconds_to_exhaustion = spare / input_.leak->bytes_per_second;
    row.first = found_.front().first;
    row.method = found_.front().method;
    if (spare > 0) {
      const Exhaustion then = exhaust(*input_.load, input_.headroom_bytes - spare, {}, statistics::kCoarseCells);
      row.exceedances_per_day = then.per_day();
      row.time_over_ratio = then.over_ratio;
    }
  }

  const ScenarioInput& input_;
  Draws draws_;
  std::vector<ExhaustionScenario> found_;
};

}  // namespace

double spare_bytes(const std::vector<LoadClass>& load, double headroom_bytes, double risk_per_day) {
  double low = 0;
  double high = headroom_bytes;
  const auto fine = [&](double lost) {
    return exhaust(load, headroom_bytes - lost, {}, statistics::kCoarseCells).at_risk_per_day <= risk_per_day;
  };
  if (!fine(0)) {
    return 0;
  }
  for (int step = 0; step < 30 && high - low > headroom_bytes * 1e-3; ++step) {
    const double middle = (low + high) / 2;
    (fine(middle) ? low : high) = middle;
  }
  return low;
}

std::vector<ExhaustionScenario> exhaustion_scenarios(const ScenarioInput& input) { return Scenarios(input).all(); }

}  // namespace heapledger::analysis
