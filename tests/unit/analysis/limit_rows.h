// A service whose traffic, levels and memory are known by construction.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "analysis/limits_analysis.h"
#include "rows_for_tests.h"

namespace heapledger::analysis {

inline constexpr double kLimitMiB = 1024.0 * 1024.0;

struct LimitsService {
  RecordingTables tables = small_tables();
  MemorySamples samples;
  std::vector<recording::RequestLevelRow> rows;
  LeaksResult leaks;

  LimitsService() {
    tables.end_us = 3'600'000'000;
    tables.workers[0].rss_bytes = static_cast<std::int64_t>(70 * kLimitMiB);
    tables.workers[0].live_bytes = static_cast<std::int64_t>(20 * kLimitMiB);
    // Idle 20 MiB live in 50 MiB; at the highest moment 40 MiB of requests in 72 more: overhead 1.8.
    sample(0, 50, 20);
    sample(0, 50, 20);
    sample(2, 110, 50);
    sample(0, 122, 20);
    sample(0, 122, 20);
    tables.peaks = {{1, 1'000'000, static_cast<std::int64_t>(60 * kLimitMiB), 3, {}}};
  }

  void sample(std::int64_t in_flight, double rss_mib, double live_mib) {
    recording::TimelineRow row;
    row.worker = 1;
    row.at_us = 1'000'000 * static_cast<std::int64_t>(samples.timeline.size() + 1);
    row.rss_bytes = static_cast<std::int64_t>(rss_mib * kLimitMiB);
    row.live_bytes = static_cast<std::int64_t>(live_mib * kLimitMiB);
    row.in_flight = in_flight;
    samples.timeline.push_back(row);
  }

  // Poisson arrivals over an hour; a rectangle at the peak.
  template <class Peak>
  void add(std::int64_t endpoint, std::size_t requests, double seconds, Peak peak, std::int64_t received = 0) {
    std::mt19937_64 random(static_cast<std::uint64_t>(endpoint));
    std::uniform_real_distribution<double> uniform(0, 1);
    for (std::size_t i = 0; i < requests; ++i) {
      recording::RequestLevelRow row;
      row.endpoint = endpoint;
      row.started_us = static_cast<std::int64_t>(uniform(random) * 3.6e9);
      row.duration_us = static_cast<std::int64_t>(seconds * 1e6);
      row.peak_bytes = static_cast<std::int64_t>(peak(uniform(random)));
      row.byte_seconds = static_cast<double>(row.peak_bytes) * seconds;
      row.curve = -1;
      row.received_bytes = received > 0 ? row.peak_bytes / received : 0;
      rows.push_back(row);
    }
    samples.spans.push_back({1, endpoint, static_cast<std::int64_t>(requests), 0, 3'600'000'000});
  }

  LimitsResult find(double limit_mib, const LimitsOptions& given = {}) const {
    LimitsOptions options = given;
    if (limit_mib > 0) options.memory_limit_bytes = static_cast<std::uint64_t>(limit_mib * kLimitMiB);
    Traffic traffic(tables, samples.spans, Selection(RequestsOptions{}, tables));
    for (const auto& slice : tables.slices) traffic.add(slice);
    for (const auto& row : rows) traffic.add(row);
    return find_limits({&tables, &traffic, &samples, &leaks}, options);
  }
};

// GET /orders: light and frequent; POST /orders: dear and rare, ten bytes of memory for a byte of body.
inline LimitsService shop_service() {
  LimitsService service;
  service.add(1, 20'000, 0.1, [](double u) { return 2e6 * (0.5 + u); });
  service.add(
      2, 600, 1, [](double u) { return 2e7 * (0.5 + u); }, 10);
  return service;
}

}  // namespace heapledger::analysis
