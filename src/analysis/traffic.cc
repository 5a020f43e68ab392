#include "analysis/traffic.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "analysis/level_curve.h"
#include "analysis/row_arithmetic.h"
#include "analysis/statistics/folded_figure.h"

namespace heapledger::analysis {
namespace {

double seconds_of(std::int64_t microseconds) { return static_cast<double>(microseconds) / 1e6; }

}  // namespace

double TrafficClass::requests() const {
  double sum = 0;
  for (const TrafficPart& part : parts) {
    sum += part.requests;
  }
  return sum;
}

double TrafficClass::byte_seconds() const {
  double sum = 0;
  for (const TrafficPart& part : parts) {
    sum += part.levels.weighted_bytes();
  }
  return sum;
}

Traffic::Traffic(const RecordingTables& tables, const std::vector<recording::RequestSpanRow>& spans,
                 Selection selection, KeptValues kept)
    : tables_(tables), selection_(std::move(selection)), kept_(kept) {
  for (std::size_t i = 0; i < tables.endpoints.size(); ++i) {
    rows_[tables.endpoints[i].id] = i;
  }
  std::int64_t first = std::numeric_limits<std::int64_t>::max();
  std::int64_t last = std::numeric_limits<std::int64_t>::min();
  for (const auto& span : spans) {
    first = std::min(first, span.first_started_us);
    last = std::max(last, span.last_started_us);
  }
  for (const auto& slice : tables.slices) {
    first = std::min(first, slice.from_us);
    last = std::max(last, slice.until_us);
  }
  from_us_ = std::max(first, selection_.since_us());
  until_us_ = std::min(last, selection_.until_us());
}

double Traffic::seconds() const { return std::max(0.0, seconds_of(subtract_limited(until_us_, from_us_))); }

std::size_t Traffic::class_of(std::int64_t endpoint) {
  const auto [found, added] = by_endpoint_.try_emplace(endpoint, classes_.size());
  if (added) {
    const auto row = rows_.find(endpoint);
    if (row == rows_.end()) {
      throw recording::RecordingError(tables_.path + " is damaged: a request names an unknown endpoint");
    }
    TrafficClass& created = classes_.emplace_back();
    created.endpoint = &tables_.endpoints[row->second];
    created.parts.resize(kTrafficParts);
  }
  return found->second;
}

TrafficPart& Traffic::part_of(std::size_t index, std::int64_t started_us) {
  const double place = seconds_of(subtract_limited(started_us, from_us_)) / std::max(1e-6, seconds());
  const auto part = static_cast<std::size_t>(std::clamp(place, 0.0, 1.0) * kTrafficParts);
  return classes_[index].parts[std::min(part, kTrafficParts - 1)];
}

void Traffic::add_levels(const recording::RequestLevelRow& row, std::size_t index) {
  const auto peak_bytes = static_cast<double>(row.peak_bytes);
  const double duration = seconds_of(row.duration_us);
  TrafficClass& endpoint = classes_[index];
  TrafficPart& part = part_of(index, row.started_us);
  const LevelCurve curve = level_curve(peak_bytes, real_of(row.byte_seconds), duration, row.curve);
  visit_levels(curve, [&](double bytes, double seconds) {
    part.levels.add(bytes, seconds);
    endpoint.half_peak_seconds += bytes > peak_bytes / 2 ? seconds : 0;
  });
  without_curve_ += row.curve || row.peak_bytes == 0 ? 0 : 1;
}

void Traffic::add(const recording::RequestLevelRow& row) {
  if (!selection_.has_time(row.started_us)) {
    return;
  }
  const std::size_t index = class_of(row.endpoint);
  TrafficPart& part = part_of(index, row.started_us);
  ++requests_;
  part.requests += 1;
  part.seconds += seconds_of(row.duration_us);
  part.peaks.add(static_cast<double>(row.peak_bytes), 1);
  add_levels(row, index);
  if (kept_ == KeptValues::kAll) {
    keep_values(row, index);
  }
}

void Traffic::keep_values(const recording::RequestLevelRow& row, std::size_t index) {
  TrafficClass& endpoint = classes_[index];
  const auto peak_bytes = static_cast<double>(row.peak_bytes);
  const double duration = seconds_of(row.duration_us);
  endpoint.peaks.push_back(peak_bytes);
  endpoint.durations.push_back(static_cast<float>(duration));
  if (row.received_bytes > 0) {
    endpoint.bodies.push_back({static_cast<double>(row.received_bytes), peak_bytes});
  }
  const ReplayRow replayed{row.started_us,
                           row.curve.value_or(0),
                           static_cast<float>(duration),
                           static_cast<float>(peak_bytes),
                           static_cast<float>(real_of(row.byte_seconds)),
                           static_cast<std::uint32_t>(index),
                           row.curve.has_value()};
  if (replay_.size() < kReplayRows) {
    replay_.push_back(replayed);
  } else {
    replay_[next_replay_++ % kReplayRows] = replayed;
  }
}

std::vector<ReplayRow> Traffic::replay() const {
  std::vector<ReplayRow> rows = replay_;
  std::stable_sort(rows.begin(), rows.end(),
                   [](const ReplayRow& a, const ReplayRow& b) { return a.started_us < b.started_us; });
  return rows;
}

// Of a slice only sums and histograms are left: its byte-seconds are spread over its peaks, each at its peak for the
// same time.
void Traffic::add(const recording::SliceRow& slice) {
  const std::uint64_t requests = count_of(slice.requests);
  if (!selection_.covers(slice.from_us, slice.until_us)) {
    folded_left_out_ += selection_.overlaps(slice.from_us, slice.until_us) ? requests : 0;
    return;
  }
  const std::size_t index = class_of(slice.endpoint);
  TrafficPart& part = part_of(index, slice.from_us / 2 + slice.until_us / 2);
  statistics::LevelHistogram peaks;
  for (const auto& [bin, count] : slice.peak_bytes.bins) {
    peaks.add(std::min(real_of(slice.peak_bytes.max), statistics::folded_value(bin)), static_cast<double>(count));
  }
  const double integral = peaks.weighted_bytes();
  part.levels.add(peaks, integral > 0 ? real_of(slice.byte_seconds.sum) / integral : 0);
  part.peaks.add(peaks);
  part.requests += static_cast<double>(requests);
  part.seconds += real_of(slice.duration_us.sum) / 1e6;
  classes_[index].folded_requests += requests;
  requests_ += requests;
  folded_ += requests;
}

}  // namespace heapledger::analysis
