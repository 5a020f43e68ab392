// Services whose requests come by chance and last by chance, with and without an effect of one on another.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "analysis/interference_analysis.h"
#include "lifecycle_rows.h"

namespace heapledger::analysis {

struct SimulatedService {
  int endpoints = 4;
  int requests = 4000;
  double seconds_between = 0.01;
  double seconds_long = 0.01;  // the median; of each further endpoint twice as long
  double log_deviation = 0.6;
  double drift = 0;                // durations grow by this share over the recording
  double slow_beside = 1;          // endpoint 0 takes so many times as long with endpoint 1 in flight at its start
  std::int64_t peak_bytes = 1000;  // of each further endpoint ten times as much
};

inline RecordingTables simulated_tables(int endpoints) {
  RecordingTables tables = small_tables();
  tables.endpoints.clear();
  for (int i = 0; i < endpoints; ++i) tables.endpoints.push_back({i + 1, "GET", "/" + std::to_string(i), "", false});
  return tables;
}

inline std::vector<recording::RequestCurveRow> simulate(const SimulatedService& service, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> wait(1 / service.seconds_between);
  std::normal_distribution<double> normal;
  std::vector<recording::RequestCurveRow> rows;
  double now = 0;
  for (int i = 0; i < service.requests; ++i) {
    now += wait(random);
    const auto endpoint = static_cast<int>(random() % static_cast<std::uint64_t>(service.endpoints));
    const auto started_us = static_cast<std::int64_t>(now * 1e6);
    std::int64_t in_flight = 1;
    bool beside = false;
    for (auto row = rows.rbegin(); row != rows.rend() && row - rows.rbegin() < 500; ++row) {
      const bool open = row->started_us + row->duration_us > started_us;
      in_flight += open ? 1 : 0;
      beside = beside || (open && row->endpoint == 2);
    }
    double seconds = service.seconds_long * std::pow(2, endpoint) * std::exp(service.log_deviation * normal(random));
    seconds *= 1 + service.drift * i / service.requests;
    seconds *= endpoint == 0 && beside ? service.slow_beside : 1;
    const auto peak = service.peak_bytes * static_cast<std::int64_t>(std::pow(10, endpoint));
    rows.push_back(curve_row(endpoint + 1, started_us, peak));
    rows.back().duration_us = static_cast<std::int64_t>(seconds * 1e6);
    rows.back().in_flight_at_start = in_flight;
    rows.back().curve = -1;
  }
  return rows;
}

// Every second GET /0 has a GET /1 of 8000 bytes beside it, for all of its time, and takes twice as long.
inline std::vector<recording::RequestCurveRow> alternating(int requests) {
  std::vector<recording::RequestCurveRow> rows;
  for (std::int64_t i = 0; i < requests; ++i) {
    const std::int64_t start = i * 1'000'000;
    if (i % 2 == 1) {
      rows.push_back(curve_row(2, start, 8000));
      rows.back().duration_us = 500'000;
      rows.back().curve = -1;
    }
    rows.push_back(curve_row(1, start + 1000, 1000));
    rows.back().duration_us = i % 2 == 1 ? 200'000 : 100'000;
    rows.back().in_flight_at_start = 1 + i % 2;
    rows.back().curve = -1;
  }
  return rows;
}

inline InterferenceResult interference(const RecordingTables& tables,
                                       const std::vector<recording::RequestCurveRow>& rows,
                                       const InterferenceOptions& options = {}) {
  InterferenceAnalysis analysis(tables, options);
  for (const auto& slice : tables.slices) analysis.add(slice);
  for (const auto& row : rows) analysis.add(row);
  return analysis.finish();
}

inline const EndpointPair* find_pair(const InterferenceResult& result, const std::string& route,
                                     const std::string& beside) {
  for (const EndpointPair& pair : result.pairs) {
    if (pair.endpoint.route == route && pair.beside.route == beside) return &pair;
  }
  return nullptr;
}

}  // namespace heapledger::analysis
