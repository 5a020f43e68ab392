// Simulated services: what lives after each request, block by block, summed into the rows that a recording would hold.
// Seeded; every block knows the request it was born in, so that cohorts, ages and aged frees follow from the rules.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <unordered_map>
#include <vector>

#include "analysis/cohort_series.h"
#include "analysis/endpoint_growth.h"
#include "recording/rows.h"

namespace heapledger::analysis {

class SimulatedEndpoint {
 public:
  // As the engine cuts them: runs double when there are more than sixteen.
  static std::int64_t span_for(std::int64_t requests) {
    std::int64_t span = 1;
    while ((requests + span - 1) / span > static_cast<std::int64_t>(kMostCohorts)) span *= 2;
    return span;
  }

  std::int64_t now() const { return now_; }
  // The recording notes what survivors hold whenever a quarter more requests have ended.
  void next_request() {
    if (now_ > 0 && now_ * 4 / 5 >= noted_) {
      life_.retained_history.push_back({now_, held_bytes_});
      noted_ = now_;
    }
    ++now_;
  }

  std::uint64_t keep(std::int64_t bytes) {
    live_[++last_id_] = {now_, bytes};
    held_bytes_ += bytes;
    return last_id_;
  }

  void free(std::uint64_t id) {
    const auto found = live_.find(id);
    if (found == live_.end()) return;
    const std::int64_t age = now_ - found->second.born;
    life_.oldest_free_requests = std::max(life_.oldest_free_requests, age);
    if (age >= 2) {
      if (!life_.first_aged_free_request) life_.first_aged_free_request = now_;
      life_.last_aged_free_request = now_;
    }
    life_.freed_bytes += found->second.bytes;
    held_bytes_ -= found->second.bytes;
    live_.erase(found);
  }

  EndpointGrowth judge(bool by_size = true) const {
    recording::EndpointLifeRow life = life_;
    life.requests = now_;
    return judge_endpoint(arrange_cohorts(now_, rows(by_size)), life, 0);
  }

  std::vector<recording::CohortRow> rows(bool by_size) const {
    const std::int64_t span = span_for(now_);
    std::map<std::pair<std::int64_t, std::int64_t>, recording::CohortRow> cells;
    for (const auto& [id, block] : live_) {
      const std::int64_t first = (block.born - 1) / span * span + 1;
      const std::int64_t size = size_class(block.bytes);
      recording::CohortRow& cell = cells[{first, by_size ? size : 0}];
      cell.first_request = first;
      cell.last_request = std::min(first + span - 1, now_);
      cell.block_bytes = by_size ? std::optional(size) : std::nullopt;
      cell.live_bytes += block.bytes;
      cell.live_blocks = by_size ? std::optional(cell.live_blocks.value_or(0) + 1) : std::nullopt;
    }
    std::vector<recording::CohortRow> rows;
    for (const auto& [key, cell] : cells) rows.push_back(cell);
    return rows;
  }

  // Sixteen bytes apart up to 512, then four to an octave.
  static std::int64_t size_class(std::int64_t bytes) {
    if (bytes <= 512) return (bytes + 15) / 16 * 16;
    std::int64_t octave = 512;
    while (octave * 2 < bytes) octave *= 2;
    const std::int64_t step = octave / 4;
    return octave + (bytes - octave + step - 1) / step * step;
  }

 private:
  struct Block {
    std::int64_t born;
    std::int64_t bytes;
  };
  std::int64_t now_ = 0;
  std::int64_t noted_ = 0;
  std::int64_t held_bytes_ = 0;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, Block> live_;
  recording::EndpointLifeRow life_;
};

using Random = std::mt19937_64;

inline std::int64_t uniform(Random& random, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}

inline bool happens(Random& random, double probability) {
  return std::uniform_real_distribution<double>(0, 1)(random) < probability;
}

// What every request of a real service leaves for a while: buffers that a later request frees, and garbage in cycles
// that a collection frees all at once.
class Background {
 public:
  void after_request(SimulatedEndpoint& endpoint, Random& random) {
    for (int i = 0; i < 3; ++i) late_.push_back(endpoint.keep(uniform(random, 1, 40) * 64));
    while (late_.size() > 24) {
      endpoint.free(late_.front());
      late_.erase(late_.begin());
    }
    cycles_.push_back(endpoint.keep(uniform(random, 1, 6) * 48));
    if (cycles_.size() >= 350) {
      for (const std::uint64_t id : cycles_) endpoint.free(id);
      cycles_.clear();
    }
    if (endpoint.now() <= 3) endpoint.keep(20'000);  // lazy imports and tables
  }

 private:
  std::vector<std::uint64_t> late_;
  std::vector<std::uint64_t> cycles_;
};

// A dict's table or a list's buffer: one block that is replaced as it grows.
class Growing {
 public:
  Growing(double factor, std::int64_t entry_bytes) : factor_(factor), entry_bytes_(entry_bytes) {}
  void add(SimulatedEndpoint& endpoint) {
    if (++entries_ <= capacity_) return;
    capacity_ = static_cast<std::int64_t>(static_cast<double>(entries_) * factor_) + 8;
    if (table_ != 0) endpoint.free(table_);
    table_ = endpoint.keep(capacity_ * entry_bytes_);
  }

 private:
  double factor_;
  std::int64_t entry_bytes_;
  std::int64_t entries_ = 0;
  std::int64_t capacity_ = 0;
  std::uint64_t table_ = 0;
};

}  // namespace heapledger::analysis
