// Rows about survivors whose verdicts are known by construction.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>

#include "analysis/leaks_analysis.h"
#include "rows_for_tests.h"

namespace heapledger::analysis {

inline constexpr std::int64_t kLeakKiB = 1024;

// `live(first, last)`: how many blocks of that run of requests are live.
inline void add_life(LeakTables& tables, std::int64_t worker, std::int64_t endpoint, std::int64_t requests,
                     std::int64_t oldest_free, std::int64_t block_bytes,
                     const std::function<std::int64_t(std::int64_t, std::int64_t)>& live, bool by_size = true) {
  recording::EndpointLifeRow life;
  life.worker = worker;
  life.endpoint = endpoint;
  life.requests = requests;
  life.oldest_free_requests = oldest_free;
  life.freed_by_age_bytes.resize(12);
  if (oldest_free >= 2) {
    life.first_aged_free_request = oldest_free + 1;
    life.last_aged_free_request = requests;
  }
  tables.lives.push_back(life);
  std::int64_t run = 1;
  while (run * 16 < requests) run *= 2;
  for (std::int64_t first = 1; first <= requests; first += run) {
    const std::int64_t last = std::min(first + run - 1, requests);
    const std::int64_t blocks = live(first, last);
    if (blocks == 0) continue;
    recording::CohortRow row{worker, endpoint, first, last, block_bytes, blocks * block_bytes, blocks};
    if (!by_size) {
      row.block_bytes.reset();
      row.live_blocks.reset();
    }
    tables.cohorts.push_back(row);
  }
  // One request each ten milliseconds.
  tables.spans.push_back({worker, endpoint, requests, 0, (requests - 1) * 10'000});
}

inline std::int64_t one_each(std::int64_t first, std::int64_t last) { return last - first + 1; }
inline std::int64_t none_left(std::int64_t, std::int64_t) { return 0; }

// Of a run of requests, those after `start`.
inline std::function<std::int64_t(std::int64_t, std::int64_t)> one_each_after(std::int64_t start) {
  return [start](std::int64_t first, std::int64_t last) {
    return std::max<std::int64_t>(0, last - std::max(first, start + 1) + 1);
  };
}

inline std::int64_t add_place(LeakTables& tables, const char* function, const char* file, std::int64_t line) {
  const auto id = static_cast<std::int64_t>(tables.code.places.size()) + 1;
  tables.code.places.push_back({id, function, file, line});
  return id;
}

inline std::int64_t add_stack(LeakTables& tables, std::vector<std::int64_t> places) {
  const auto id = static_cast<std::int64_t>(tables.code.stacks.size()) + 1;
  tables.code.stacks.push_back({id, std::move(places), false});
  return id;
}

inline void add_site(LeakTables& tables, std::int64_t worker, std::int64_t endpoint, std::optional<std::int64_t> stack,
                     double retained_bytes, std::int64_t samples, double blocks = 10) {
  tables.code.sites.push_back(
      {worker, endpoint, stack, samples * 2, retained_bytes * 3, retained_bytes * 2, retained_bytes, blocks, samples});
}

}  // namespace heapledger::analysis
