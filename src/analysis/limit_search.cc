#include "analysis/limit_search.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace heapledger::analysis {
namespace {

constexpr int kHalvings = 40;
constexpr double kCertainty = 0.99;
constexpr double kNormal99 = 2.3263478740408408;
constexpr std::uint64_t kFewParts = 64;

// Of so many at once rounding in the law's powers is larger than the probabilities that matter.
constexpr std::uint64_t kMostExact = 256;

struct Places {
  std::vector<statistics::Part> levels;  // what one place holds, by its share of the time
  std::vector<statistics::Part> peaks;   // what a request lifts it by, by share of the requests
  double total = 0;                      // of the weights of levels
};

// P(what `count` places hold and one request's peak exceed the headroom), exactly but for the lattice.
double lifts_exactly(const Places& places, double count, double headroom) {
  const statistics::LatticeLaw others = statistics::fixed_number(places.levels, places.total, count, headroom);
  double lifts = 0;
  for (const statistics::Part& peak : places.peaks) {
    lifts += peak.weight * (others.within(peak.size) + others.above());
  }
  return std::max(0.0, lifts - 1e-13);  // sums of rounded probabilities are not believed beyond their precision
}

// At most so much: Chernoff's bound, E exp(t S) exp(-t headroom) at its best t.
double lifts_at_most(const Places& places, double count, double headroom) {
  double largest = 0;
  for (const statistics::Part& part : places.levels) largest = std::max(largest, part.size);
  for (const statistics::Part& part : places.peaks) largest = std::max(largest, part.size);
  if (!(largest > 0)) {
    return 0;
  }
  const auto exponent = [&](double t) {
    double of_one = 0;
    double of_peak = 0;
    for (const statistics::Part& part : places.levels) of_one += part.weight / places.total * std::expm1(t * part.size);
    for (const statistics::Part& part : places.peaks) of_peak += part.weight * std::expm1(t * part.size);
    return count * std::log1p(of_one) + std::log1p(of_peak) - t * headroom;
  };
  double low = 0;
  double high = 600 / largest;
  for (int step = 0; step < 100; ++step) {  // it is convex
    const double left = low + (high - low) / 3;
    const double right = high - (high - low) / 3;
    (exponent(left) <= exponent(right) ? high : low) = exponent(left) <= exponent(right) ? right : left;
  }
  return std::exp(std::min(0.0, exponent((low + high) / 2)));
}

double at_risk(const std::vector<LoadClass>& load, double headroom, const Heavier& heavier) {
  return exhaust(load, headroom, heavier, statistics::kCoarseCells).at_risk_per_day;
}

// The largest value in [low, high] that is fine, to a thousandth; `low` is taken for fine.
double largest_fine(double low, double high, const std::function<bool(double)>& fine) {
  if (fine(high)) {
    return high;
  }
  for (int step = 0; step < kHalvings && high - low > high * 1e-3; ++step) {
    const double middle = low > 0 && high / low > 4 ? std::sqrt(low * high) : (low + high) / 2;
    (fine(middle) ? low : high) = middle;
  }
  return low;
}

std::uint64_t largest_count(std::uint64_t most, const std::function<bool(std::uint64_t)>& fine) {
  std::uint64_t low = 0;
  std::uint64_t high = 1;
  while (high < most && fine(high)) {
    low = high;
    high *= 2;
  }
  if (high >= most && fine(most)) {
    return most;
  }
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    (fine(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace

double safe_factor(const std::vector<LoadClass>& load, double headroom_bytes, double risk_per_day) {
  double mean = 0;
  for (const LoadClass& one : load) {
    mean += one.per_second * one.byte_seconds();
  }
  const double most = mean > 0 ? std::max(1e-9, headroom_bytes / mean) : 1e9;
  const auto fine = [&](double factor) { return at_risk(load, headroom_bytes, {factor, 1, {}, 1}) <= risk_per_day; };
  double low = std::min(most, 1.0) / 16;
  while (low > 1e-12 && !fine(low)) {
    low /= 16;
  }
  return largest_fine(low, most, fine);
}

std::vector<double> safe_rates(const std::vector<LoadClass>& load, double headroom_bytes, double risk_per_day,
                               double factor) {
  std::vector<LoadClass> cut = load;
  std::vector<double> rates(load.size());
  for (std::size_t i = 0; i < load.size(); ++i) {
    rates[i] = load[i].per_second * std::max(1.0, factor);
  }
  for (std::size_t round = 0; factor < 1 && round < load.size(); ++round) {
    const Exhaustion now = exhaust(cut, headroom_bytes, {}, statistics::kCoarseCells);
    if (now.at_risk_per_day <= risk_per_day) {
      break;
    }
    const auto worst = static_cast<std::size_t>(
        std::max_element(now.by_class_per_day.begin(), now.by_class_per_day.end()) - now.by_class_per_day.begin());
    const auto fine = [&](double share) { return at_risk(cut, headroom_bytes, {1, 1, worst, share}) <= risk_per_day; };
    const double share = fine(1e-6) ? largest_fine(1e-6, 1, fine) : 0;
    cut[worst].per_second *= share;
    rates[worst] = cut[worst].per_second;
  }
  return rates;
}

std::uint64_t safe_concurrency(const std::vector<LoadClass>& load, double headroom_bytes, double risk_per_day) {
  statistics::LevelHistogram held;
  Places places;
  double per_second = 0;
  for (const LoadClass& one : load) {
    held.add(one.levels, one.per_second);
    places.total += one.per_second * one.seconds;
    per_second += one.per_second;
  }
  if (!(places.total > 0) || !(headroom_bytes > 0)) {
    return 0;
  }
  places.levels = parts_of(held);
  for (const LoadClass& one : load) {
    for (const auto& [number, bin] : one.peaks.bins()) {
      places.peaks.push_back({bin.bytes(), one.per_second / per_second * bin.weight});
    }
  }
  const auto fine = [&](std::uint64_t count) {
    const double ends_per_day = static_cast<double>(count) * per_second / places.total * kSecondsADay;
    const double others = static_cast<double>(count - 1);
    return ends_per_day * lifts_at_most(places, others, headroom_bytes) <= risk_per_day ||
           (count <= kMostExact && ends_per_day * lifts_exactly(places, others, headroom_bytes) <= risk_per_day);
  };
  return largest_count(kMostConcurrency, fine);
}

std::vector<double> effective_byte_seconds(const std::vector<LoadClass>& load, const std::vector<double>& rates,
                                           double headroom_bytes) {
  const auto tilted_mean = [&](double t) {
    double sum = 0;
    for (std::size_t i = 0; i < load.size(); ++i) {
      for (const auto& [number, bin] : load[i].levels.bins()) {
        sum += rates[i] * bin.weighted_bytes * std::exp(std::min(600.0, t * bin.bytes()));
      }
    }
    return sum;
  };
  double low = 0;
  double high = 600 / headroom_bytes;
  for (int step = 0; step < 200; ++step) {
    const double middle = (low + high) / 2;
    (tilted_mean(middle) <= headroom_bytes ? low : high) = middle;
  }
  std::vector<double> costs(load.size(), 0);
  for (std::size_t i = 0; i < load.size(); ++i) {
    for (const auto& [number, bin] : load[i].levels.bins()) {
      const double x = std::min(600.0, low * bin.bytes());
      costs[i] += x > 1e-12 ? bin.weighted_bytes * std::expm1(x) / x : bin.weighted_bytes;
    }
    costs[i] = std::min(costs[i], std::max(load[i].seconds * headroom_bytes, load[i].byte_seconds()));
  }
  return costs;
}

std::uint64_t burst_of(const LoadClass& one, double room_bytes) {
  const double mean = one.peaks.weighted_bytes();
  if (!(room_bytes > 0)) {
    return 0;
  }
  if (!(mean > 0)) {
    return kMostConcurrency;
  }
  const std::vector<statistics::Part> peaks = parts_of(one.peaks);
  const auto fine = [&](std::uint64_t count) {
    return statistics::fixed_number(peaks, 1, static_cast<double>(count), room_bytes, 512).above() <= 1 - kCertainty;
  };
  const std::uint64_t few = largest_count(kFewParts, fine);
  if (few + 1 < kFewParts) {
    return few;
  }
  double squares = 0;
  for (const statistics::Part& peak : peaks) {
    squares += peak.weight * peak.size * peak.size;
  }
  const double spread = kNormal99 * std::sqrt(std::max(0.0, squares - mean * mean));
  const double root = (std::sqrt(spread * spread + 4 * mean * room_bytes) - spread) / (2 * mean);
  return std::max(few, static_cast<std::uint64_t>(root * root));
}

double high_level(const std::vector<LoadClass>& load, double headroom_bytes) {
  statistics::LevelHistogram held;
  for (const LoadClass& one : load) {
    held.add(one.levels, one.per_second);
  }
  const statistics::LatticeLaw law =
      statistics::compound_poisson(parts_of(held), headroom_bytes, statistics::kCoarseCells);
  double sum = 0;
  for (std::size_t cell = 0; cell < law.probabilities().size(); ++cell) {
    sum += law.probabilities()[cell];
    if (sum >= kCertainty) {
      return law.step() * static_cast<double>(cell);
    }
  }
  return headroom_bytes;
}

}  // namespace heapledger::analysis
