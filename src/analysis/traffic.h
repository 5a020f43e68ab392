// What capacity models need to know of the recorded requests, collected one row at a time: for each endpoint and
// thirty-second part of the traffic's time how many came, how long they stayed at each level and how high they peaked.
//
// Costs 16 bytes a request for percentiles and tails, 16 more where it had a body, and histograms per endpoint; with
// KeptValues::kNone, for who only needs the load, the histograms alone.
// Throws recording::RecordingError for rows that contradict each other. One thread at a time; allocates.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "analysis/recording_tables.h"
#include "analysis/selection.h"
#include "analysis/statistics/level_histogram.h"
#include "analysis/statistics/quantile_line.h"
#include "recording/rows.h"

namespace heapledger::analysis {

inline constexpr std::size_t kTrafficParts = 32;

struct TrafficPart {
  double requests = 0;
  double seconds = 0;                 // sum of durations
  statistics::LevelHistogram levels;  // weight: seconds at a level
  statistics::LevelHistogram peaks;   // weight: requests
};

struct TrafficClass {
  const recording::EndpointRow* endpoint = nullptr;
  std::vector<TrafficPart> parts;
  std::vector<double> peaks;                      // of single rows
  std::vector<float> durations;                   // likewise, seconds
  std::vector<statistics::QuantilePoint> bodies;  // received bytes, peak
  double half_peak_seconds = 0;                   // sum of the time above half of their peak
  std::uint64_t folded_requests = 0;
  double requests() const;
  double byte_seconds() const;
};

struct ReplayRow {
  std::int64_t started_us = 0;
  std::int64_t curve = 0;
  float duration_seconds = 0;
  float peak_bytes = 0;
  float byte_seconds = 0;
  std::uint32_t endpoint = 0;  // index of the class
  bool has_curve = false;
};
inline constexpr std::size_t kReplayRows = 50'000;

enum class KeptValues { kAll, kNone };

class Traffic {
 public:
  // `tables` must outlive this object. `spans`: of all requests, for the time that they take.
  Traffic(const RecordingTables& tables, const std::vector<recording::RequestSpanRow>& spans, Selection selection,
          KeptValues kept = KeptValues::kAll);

  void add(const recording::RequestLevelRow& row);
  void add(const recording::SliceRow& slice);

  const std::vector<TrafficClass>& classes() const { return classes_; }
  std::vector<TrafficClass>& classes() { return classes_; }
  // The latest kReplayRows requests with rows of their own, in the order of their starts.
  std::vector<ReplayRow> replay() const;
  double seconds() const;
  std::uint64_t requests() const { return requests_; }
  std::uint64_t without_curve() const { return without_curve_; }
  std::uint64_t folded_requests() const { return folded_; }
  std::uint64_t folded_left_out() const { return folded_left_out_; }

 private:
  std::size_t class_of(std::int64_t endpoint);
  TrafficPart& part_of(std::size_t index, std::int64_t started_us);
  void add_levels(const recording::RequestLevelRow& row, std::size_t index);
  void keep_values(const recording::RequestLevelRow& row, std::size_t index);

  const RecordingTables& tables_;
  Selection selection_;
  KeptValues kept_;
  std::unordered_map<std::int64_t, std::size_t> rows_;  // of tables_.endpoints by id
  std::unordered_map<std::int64_t, std::size_t> by_endpoint_;
  std::vector<TrafficClass> classes_;
  std::vector<ReplayRow> replay_;  // a ring once it is full
  std::size_t next_replay_ = 0;
  std::int64_t from_us_ = 0;
  std::int64_t until_us_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t without_curve_ = 0;
  std::uint64_t folded_ = 0;
  std::uint64_t folded_left_out_ = 0;
};

}  // namespace heapledger::analysis
