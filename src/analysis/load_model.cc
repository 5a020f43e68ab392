#include "analysis/load_model.h"

#include <algorithm>
#include <numeric>

namespace heapledger::analysis {
namespace {

double rate_of(const std::vector<LoadClass>& load, const Heavier& heavier, std::size_t index) {
  const double own = heavier.surging == index ? heavier.surge : 1;
  return load[index].per_second * heavier.rate * own;
}

void add_tail(const LoadClass& one, double rate, double room_bytes, std::size_t index, Exhaustion& result) {
  if (!one.tail || room_bytes <= one.tail->largest) {
    return;
  }
  const double probability = one.tail->above(room_bytes);
  result.tail_per_day += rate * probability * kSecondsADay;
  result.by_class_per_day[index] += rate * probability * kSecondsADay;
  result.tail_requests += one.requests * probability;
}

}  // namespace

std::vector<statistics::Part> parts_of(const statistics::LevelHistogram& histogram, double factor) {
  std::vector<statistics::Part> parts;
  parts.reserve(histogram.bins().size());
  for (const auto& [number, bin] : histogram.bins()) {
    parts.push_back({bin.bytes(), bin.weight * factor});
  }
  return parts;
}

std::vector<LoadClass> load_of(const Traffic& traffic, std::span<const std::size_t> parts) {
  std::vector<std::size_t> all(kTrafficParts);
  std::iota(all.begin(), all.end(), std::size_t{0});
  const std::span<const std::size_t> chosen = parts.empty() ? std::span<const std::size_t>(all) : parts;
  const double seconds = traffic.seconds() * static_cast<double>(chosen.size()) / kTrafficParts;
  std::vector<LoadClass> load;
  for (const TrafficClass& kind : traffic.classes()) {
    LoadClass& one = load.emplace_back();
    for (const std::size_t part : chosen) {
      one.requests += kind.parts[part].requests;
      one.seconds += kind.parts[part].seconds;
    }
    const double share = one.requests > 0 ? 1 / one.requests : 0;
    for (const std::size_t part : chosen) {
      one.levels.add(kind.parts[part].levels, share);
      one.peaks.add(kind.parts[part].peaks, share);
    }
    one.seconds *= share;
    one.per_second = seconds > 0 ? one.requests / seconds : 0;
  }
  return load;
}

void add_tails(Traffic& traffic, std::vector<LoadClass>& load) {
  for (std::size_t i = 0; i < load.size(); ++i) {
    load[i].tail = statistics::fit_tail(traffic.classes()[i].peaks);
  }
}

Exhaustion exhaust(const std::vector<LoadClass>& load, double headroom_bytes, const Heavier& heavier,
                   std::size_t cells) {
  Exhaustion result;
  statistics::LevelHistogram held;
  for (std::size_t i = 0; i < load.size(); ++i) {
    held.add(load[i].levels, rate_of(load, heavier, i) * heavier.stretch);
  }
  result.mean_bytes = held.weighted_bytes();
  const statistics::LatticeLaw law = statistics::compound_poisson(parts_of(held), headroom_bytes, cells);
  result.over_ratio = law.above();
  result.by_class_per_day.assign(load.size(), 0);
  for (std::size_t i = 0; i < load.size(); ++i) {
    const double per_day = rate_of(load, heavier, i) * kSecondsADay;
    for (const auto& [number, bin] : load[i].peaks.bins()) {
      const double lifts = law.within(bin.bytes());
      result.by_class_per_day[i] += per_day * bin.weight * lifts;
      result.at_risk_per_day += per_day * bin.weight * (lifts + law.above());
    }
    result.exceedances_per_day += result.by_class_per_day[i];
    add_tail(load[i], rate_of(load, heavier, i), headroom_bytes - result.mean_bytes, i, result);
  }
  result.at_risk_per_day += result.tail_per_day;
  return result;
}

}  // namespace heapledger::analysis
