// Requests of made-up versions whose figures are known by construction.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "analysis/version_comparison.h"
#include "rows_for_tests.h"

namespace heapledger::analysis {

inline VersionRecording versions_recording(std::vector<recording::EndpointRow> endpoints,
                                           std::int64_t worker_count = 1) {
  VersionRecording recording;
  recording.tables = small_tables();
  recording.tables.endpoints = std::move(endpoints);
  for (const auto& endpoint : recording.tables.endpoints) {
    recording.spans.push_back({1, endpoint.id, 1, 0, 0});
  }
  recording.tables.workers.clear();
  for (std::int64_t worker = 1; worker <= worker_count; ++worker) {
    recording.tables.workers.push_back(worker_row(worker));
  }
  return recording;
}

inline recording::RequestCostRow cost_row(std::int64_t endpoint, std::int64_t peak_bytes, std::int64_t started_us,
                                          std::int64_t worker = 1) {
  recording::RequestCostRow row;
  row.worker = worker;
  row.endpoint = endpoint;
  row.started_us = started_us;
  row.duration_us = 10'000;
  row.status = 200;
  row.peak_bytes = peak_bytes;
  row.allocated_bytes = 2 * peak_bytes;
  row.escaped_bytes = 100;
  row.byte_seconds = static_cast<double>(peak_bytes) / 100;
  return row;
}

// Two versions, served in turn by each worker; what is the same for all requests of a block of 25 drifts.
struct SimulatedVersions {
  std::uint64_t seed = 1;
  int requests = 500;  // of each version
  int workers = 2;
  double ratio = 1;
  double log_deviation = 0.3;
  double drift = 0;       // log-deviation of a block's own factor
  double from_large = 0;  // shares of requests with a body sixteen times as large
  double to_large = 0;
};

inline std::vector<recording::RequestCostRow> simulate(const SimulatedVersions& versions) {
  std::mt19937_64 random(versions.seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  std::vector<recording::RequestCostRow> rows;
  std::vector<double> drift(static_cast<std::size_t>(versions.workers) * 2);
  std::vector<int> served(drift.size(), 7);  // so that blocks of the analysis straddle those of the drift
  for (int i = 0; i < versions.requests; ++i) {
    for (const std::int64_t endpoint : {1, 2}) {
      const int worker = i % versions.workers;
      const auto line = static_cast<std::size_t>(worker * 2 + endpoint - 1);
      if (i < versions.workers || served[line]++ % 25 == 0) {
        drift[line] = versions.drift * normal(random);
      }
      const bool large = uniform(random) < (endpoint == 1 ? versions.from_large : versions.to_large);
      const double level = 65536 * (large ? 16 : 1) * (endpoint == 2 ? versions.ratio : 1);
      const double peak = level * std::exp(drift[line] + versions.log_deviation * normal(random));
      rows.push_back(cost_row(endpoint, std::llround(peak), i * 1000, worker + 1));
      rows.back().received_bytes = large ? 16000 : 1000;
    }
  }
  return rows;
}

inline VersionsResult compare(const VersionRecording& recording, const std::vector<recording::RequestCostRow>& rows,
                              const VersionsOptions& options = {}) {
  VersionComparison comparison(recording, nullptr, options);
  for (const auto& row : rows) {
    comparison.add(row);
  }
  std::mt19937_64 random(options.seed);
  return comparison.finish(random);
}

inline VersionPair compare_simulated(const SimulatedVersions& versions) {
  const VersionRecording recording = versions_recording(
      {{1, "POST", "/v1/orders", "v1", false}, {2, "POST", "/v2/orders", "v2", false}}, versions.workers);
  return compare(recording, simulate(versions)).pairs.at(0);
}

inline const VersionMetric& metric_of(const VersionPair& pair, const std::string& name) {
  return *std::find_if(pair.metrics.begin(), pair.metrics.end(),
                       [&](const VersionMetric& metric) { return metric.name == name; });
}

}  // namespace heapledger::analysis
