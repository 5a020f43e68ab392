#include "analysis/version_figures.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>

#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

using statistics::BlockedValue;
using statistics::BlockShift;
using statistics::Estimate;
using statistics::ShiftBlock;
using statistics::ShiftStratum;

constexpr std::uint32_t kPooled = 0xFFFFFFFF;  // workers that served one version only
constexpr std::size_t kLeastForP99 = 100;
constexpr double kPayloadFromBytes = 1024;
constexpr double kLeastEscapedBytes = 1024;  // less is what freelists and caches leave now and then
constexpr double kRatioDigits = 1e5;

double rounded(double ratio) { return std::round(ratio * kRatioDigits) / kRatioDigits; }

std::vector<BlockedValue> in_blocks(const std::vector<double>& values, const VersionBlocks& blocks) {
  std::vector<BlockedValue> blocked(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    blocked[i] = {values[i], blocks.of_request[i]};
  }
  return blocked;
}

void sort_by_value(std::span<BlockedValue> values) {
  std::sort(values.begin(), values.end(),
            [](const BlockedValue& a, const BlockedValue& b) { return a.value < b.value; });
}

// Logarithms, stratum by stratum, sorted in each.
std::vector<BlockedValue> logarithms(const std::vector<double>& values, const VersionBlocks& blocks,
                                     std::uint32_t first_block, const StratifiedRequests& requests, double least) {
  std::vector<BlockedValue> logs;
  logs.reserve(requests.order.size());
  for (const std::uint32_t i : requests.order) {
    logs.push_back({std::log(std::max(values[i], least)), first_block + blocks.of_request[i]});
  }
  std::size_t begin = 0;
  for (const std::size_t end : requests.ends) {
    sort_by_value(std::span(logs).subspan(begin, end - begin));
    begin = end;
  }
  return logs;
}

std::vector<ShiftStratum> strata_of(const std::vector<BlockedValue>& from, const std::vector<BlockedValue>& to,
                                    const PayloadStrata& requests) {
  std::vector<ShiftStratum> strata;
  std::size_t i = 0;
  std::size_t j = 0;
  for (std::size_t k = 0; k < requests.from.ends.size(); ++k) {
    const std::size_t from_end = requests.from.ends[k];
    const std::size_t to_end = requests.to.ends[k];
    strata.push_back({std::span(from).subspan(i, from_end - i), std::span(to).subspan(j, to_end - j)});
    i = from_end;
    j = to_end;
  }
  return strata;
}

VersionInterval interval_of(const Estimate& estimate) { return {estimate.low, estimate.high}; }

std::vector<double> per_payload_byte(const VersionColumns& columns) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const double payload = static_cast<double>(columns.received_bytes[i]) + static_cast<double>(columns.sent_bytes[i]);
    ratios.push_back(payload >= kPayloadFromBytes ? columns.peak_bytes[i] / payload : -1);
  }
  return ratios;
}

bool are_enough_blocks(std::uint64_t from, std::uint64_t to) {
  return from + to >= kLeastBlocks && std::min(from, to) >= kLeastBlocksOfVersion;
}

bool is_measured(const std::vector<double>& values) {
  return !values.empty() && std::all_of(values.begin(), values.end(), [](double value) { return value >= 0; });
}

}  // namespace

const std::vector<VersionFigures::Figure>& VersionFigures::figures() {
  // Byte-seconds have time in them, which a busy machine, or the order of routes, makes longer: told, not judged by.
  static const std::vector<Figure> all{
      {"peak_bytes", true, true, &VersionColumns::peak_bytes, 1},
      {"allocated_bytes", true, true, &VersionColumns::allocated_bytes, 1},
      {"byte_seconds", false, false, &VersionColumns::byte_seconds, 1e-6},
      {"escaped_bytes", true, false, &VersionColumns::escaped_bytes, kLeastEscapedBytes}};
  return all;
}

VersionFigures::VersionFigures(const VersionColumns& from, const VersionColumns& to, bool apart,
                               const VersionStandard& standard)
    : from_(from),
      to_(to),
      standard_(standard),
      from_blocks_(cut_into_blocks(from.worker)),
      to_blocks_(cut_into_blocks(to.worker)),
      strata_(match_payloads(from, to)) {
  const std::set<std::uint32_t> serve_from(from_blocks_.worker.begin(), from_blocks_.worker.end());
  const std::set<std::uint32_t> serve_to(to_blocks_.worker.begin(), to_blocks_.worker.end());
  const auto group_of = [&](std::uint32_t worker) {
    return !apart && serve_from.contains(worker) && serve_to.contains(worker) ? worker : kPooled;
  };
  for (const std::uint32_t worker : from_blocks_.worker) {
    blocks_.push_back({false, group_of(worker)});
  }
  for (const std::uint32_t worker : to_blocks_.worker) {
    blocks_.push_back({true, group_of(worker)});
  }
}

bool VersionFigures::has_enough_blocks() const { return are_enough_blocks(from_blocks(), to_blocks()); }

std::uint64_t VersionFigures::requests_needed() const {
  const auto missing = [](std::uint64_t have) { return std::max(have, kLeastBlocks / 2) * kBlockRequests; };
  return missing(from_blocks()) + missing(to_blocks());
}

std::vector<VersionMetric> VersionFigures::compare(std::mt19937_64& random) const {
  std::vector<VersionMetric> metrics;
  for (const Figure& figure : figures()) {
    metrics.push_back(measure(figure, from_.*figure.column, to_.*figure.column, random));
  }
  return metrics;
}

PayloadMatch VersionFigures::payload_match(std::mt19937_64& random) const {
  PayloadMatch match;
  match.by = strata_.by;
  match.strata = strata_.by.empty() ? 0 : strata_.from.ends.size();
  match.from_requests = strata_.from.order.size();
  match.to_requests = strata_.to.order.size();
  const std::vector<double> from = per_payload_byte(from_);
  const std::vector<double> to = per_payload_byte(to_);
  if (is_measured(from) && is_measured(to)) {
    match.peak_bytes_per_payload_byte =
        measure({"peak_bytes_per_payload_byte", false, false, nullptr, 1e-6}, from, to, random);
    match.peak_bytes_per_payload_byte->q_value = match.peak_bytes_per_payload_byte->p_value;
    judge(*match.peak_bytes_per_payload_byte, match.from_requests + match.to_requests, standard_);
  }
  return match;
}

void VersionFigures::describe(const Values& from, const Values& to, VersionMetric& metric) const {
  const auto side = [this](const Values& values, const VersionBlocks& blocks, std::optional<double>& median,
                           std::optional<VersionInterval>& interval, std::optional<double>& p99) {
    if (values.empty()) {
      return;
    }
    std::vector<BlockedValue> sorted = in_blocks(values, blocks);
    sort_by_value(sorted);
    const auto count = static_cast<std::uint32_t>(blocks.worker.size());
    const Estimate middle = statistics::block_quantile(sorted, count, 0.5, standard_.confidence_ratio);
    median = middle.value;
    interval = interval_of(middle);
    if (values.size() >= kLeastForP99) {
      p99 = statistics::block_quantile(sorted, count, 0.99, standard_.confidence_ratio).value;
    }
  };
  side(from, from_blocks_, metric.from, metric.from_interval, metric.from_p99);
  side(to, to_blocks_, metric.to, metric.to_interval, metric.to_p99);
}

void VersionFigures::contrast(const BlockShift& shift, VersionMetric& metric, std::mt19937_64& random) const {
  // Of all blocks only those count that hold a request with a counterpart.
  if (!are_enough_blocks(shift.from_blocks(), shift.to_blocks())) {
    metric.grounds = VersionGrounds::kTooFewRequests;
    metric.requests_needed = requests_needed();
    return;
  }
  metric.grounds = VersionGrounds::kMeasured;
  metric.p_value = shift.p_value(random);
  const Estimate estimate = shift.interval(shift.shift(), standard_.confidence_ratio);
  metric.ratio = rounded(std::exp(estimate.value));
  metric.interval = VersionInterval{rounded(std::exp(estimate.low)), rounded(std::exp(estimate.high))};
  if (shift.is_within(std::log1p(standard_.margin_ratio), standard_.confidence_ratio)) {
    metric.verdict = VersionVerdict::kSame;
  }
}

VersionMetric VersionFigures::measure(const Figure& figure, const Values& from, const Values& to,
                                      std::mt19937_64& random) const {
  VersionMetric metric;
  metric.name = figure.name;
  metric.in_bytes = figure.in_bytes;
  metric.decides = figure.decides;
  describe(from, to, metric);
  if (!has_enough_blocks()) {
    metric.requests_needed = requests_needed();
    return metric;
  }
  const auto first_to = static_cast<std::uint32_t>(from_blocks_.worker.size());
  const auto compared = [&](const PayloadStrata& strata, auto act) {
    const auto from_logs = logarithms(from, from_blocks_, 0, strata.from, figure.least);
    const auto to_logs = logarithms(to, to_blocks_, first_to, strata.to, figure.least);
    act(BlockShift(strata_of(from_logs, to_logs, strata), blocks_));
  };
  if (strata_.are_different) {
    metric.grounds = VersionGrounds::kDifferentPayloads;
    return metric;
  }
  compared(strata_, [&](const BlockShift& shift) { contrast(shift, metric, random); });
  metric.plain_ratio = metric.ratio;
  if (metric.ratio && !strata_.by.empty()) {
    compared(all_payloads(from.size(), to.size()),
             [&](const BlockShift& shift) { metric.plain_ratio = rounded(std::exp(shift.shift())); });
  }
  return metric;
}

void judge(VersionMetric& metric, std::uint64_t requests, const VersionStandard& standard) {
  if (!metric.ratio || !metric.interval || !metric.q_value || metric.verdict == VersionVerdict::kSame) {
    return;
  }
  const double margin = std::log1p(standard.margin_ratio);
  const double shift = std::log(*metric.ratio);
  if (*metric.q_value <= standard.finding_ratio && std::abs(shift) > margin) {
    metric.verdict = shift > 0 ? VersionVerdict::kRegression : VersionVerdict::kImprovement;
    return;
  }
  metric.grounds = VersionGrounds::kTooUneven;
  // The interval narrows with the root of the requests: until it excludes 1, or lies within the margin.
  const double half_width = std::log(metric.interval->high / metric.interval->low) / 2;
  const double room = std::abs(shift) > margin ? std::abs(shift) : std::max(margin - std::abs(shift), margin / 4);
  const double factor = std::max(1.2, std::pow(1.2 * half_width / room, 2));
  metric.requests_needed = rounded_count(static_cast<double>(requests) * factor);
}

}  // namespace heapledger::analysis
