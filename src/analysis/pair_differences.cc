#include "analysis/pair_differences.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "analysis/row_arithmetic.h"
#include "analysis/statistics/benjamini_hochberg.h"

namespace heapledger::analysis {
namespace {

constexpr double kLeastBlocks = 6;
constexpr double kLeastWeight = 10;  // of one group against a much larger one: so many of it
constexpr double kFalseShare = 0.05;
constexpr double kRoundingError = 1e-6;

bool enough(const PairSums::Differences& differences) {
  return differences.log_seconds.effective_blocks() >= kLeastBlocks && differences.log_seconds.weight() >= kLeastWeight;
}

void explain(ComparedPair& compared, const PairSums& sums) {
  EndpointPair& pair = compared.pair;
  const statistics::BlockDifference& any = sums.at_any_level.log_seconds;
  if (any.weight() <= 0) {
    pair.grounds = pair.requests_beside == pair.requests ? PairGrounds::kAlwaysBeside : PairGrounds::kNeverBoth;
    return;
  }
  pair.grounds = PairGrounds::kTooFewRequests;
  const double factor = std::max({1.0, kLeastBlocks / any.effective_blocks(), kLeastWeight / any.weight()});
  pair.requests_needed = rounded_count(std::ceil(factor * static_cast<double>(pair.requests) - kRoundingError));
}

// First those whose durations differ, by how much; then those whose peaks do, by how much; then by name.
auto order_of(const EndpointPair& pair) {
  int group = pair.duration ? 2 : 3;
  double size = 0;
  if (pair.duration && pair.duration->shown) {
    group = 0;
    size = std::abs(std::log(pair.duration->ratio));
  } else if (pair.peak && pair.peak->shown) {
    group = 1;
    size = std::abs(pair.peak->bytes);
  }
  return std::tuple(group, -size, pair.endpoint.route, pair.endpoint.method, pair.endpoint.version, pair.beside.route,
                    pair.beside.method, pair.beside.version);
}

}  // namespace

ComparedPair compare(const PairSums& sums, std::uint64_t requests, double confidence_ratio) {
  ComparedPair compared;
  EndpointPair& pair = compared.pair;
  pair.requests = requests;
  pair.requests_beside = sums.requests_beside;
  pair.level_matched = enough(sums.at_level);
  const PairSums::Differences& differences = pair.level_matched ? sums.at_level : sums.at_any_level;
  if (!enough(differences)) {
    explain(compared, sums);
    return compared;
  }
  const auto seconds = differences.log_seconds.estimate(confidence_ratio);
  pair.duration = DurationDifference{std::exp(seconds.difference), std::exp(seconds.low),   std::exp(seconds.high),
                                     std::exp(seconds.mean1),      std::exp(seconds.mean0), false};
  compared.duration_p_value = seconds.p_value;
  const auto bytes = differences.peak_bytes.estimate(confidence_ratio);
  pair.peak = PeakDifference{bytes.difference,           bytes.low, bytes.high, rounded_count(bytes.mean1),
                             rounded_count(bytes.mean0), false};
  compared.peak_p_value = bytes.p_value;
  return compared;
}

std::vector<EndpointPair> show_differences(std::vector<ComparedPair> pairs) {
  std::vector<double> durations;
  std::vector<double> peaks;
  for (const ComparedPair& compared : pairs) {
    if (compared.pair.duration) {
      durations.push_back(compared.duration_p_value);
      peaks.push_back(compared.peak_p_value);
    }
  }
  durations = statistics::benjamini_hochberg(durations);
  peaks = statistics::benjamini_hochberg(peaks);
  std::vector<EndpointPair> shown;
  std::size_t known = 0;
  for (ComparedPair& compared : pairs) {
    if (compared.pair.duration) {
      compared.pair.duration->shown = durations[known] <= kFalseShare;
      compared.pair.peak->shown = peaks[known] <= kFalseShare;
      ++known;
    }
    shown.push_back(std::move(compared.pair));
  }
  std::stable_sort(shown.begin(), shown.end(), [](const EndpointPair& left, const EndpointPair& right) {
    return order_of(left) < order_of(right);
  });
  return shown;
}

}  // namespace heapledger::analysis
