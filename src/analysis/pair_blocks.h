// What differs for the requests of an endpoint when another one's are beside them: gathered in blocks of consecutive
// requests of one worker, for every pair that met.
//
// Compared are the logarithm of the duration and the most that was live during a request, with one of the other
// endpoint in flight at its start or not, within a block: once at the same number of requests in flight, once at any.
// See statistics/block_difference.h for what that assumes. A few hundred bytes a pair. One thread at a time; allocates.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "analysis/in_flight_sweep.h"
#include "analysis/statistics/block_difference.h"

namespace heapledger::analysis {

struct PairSums {
  struct Differences {
    statistics::BlockDifference log_seconds;
    statistics::BlockDifference peak_bytes;
  };
  std::uint64_t requests_beside = 0;
  Differences at_level;
  Differences at_any_level;
};

class PairBlocks {
 public:
  using Pair = std::uint64_t;  // endpoint << 32 | beside

  // `requests`: of each endpoint, so that its blocks are neither too short nor too many.
  explicit PairBlocks(const std::vector<std::uint64_t>& requests);

  static std::uint64_t requests_a_block(std::uint64_t requests);

  // In the order of time, of one worker.
  void add(const SweptRequest& request, std::span<const std::uint32_t> beside, double highest_bytes);
  void end_worker();

  const std::unordered_map<Pair, PairSums>& sums() const { return sums_; }

 private:
  struct Observation {
    std::uint32_t in_flight;
    std::uint32_t first_beside;  // in Block::beside
    std::uint32_t end_beside;
    double log_seconds;
    double peak_bytes;
  };
  struct Block {
    std::uint64_t full = 0;
    std::vector<Observation> observations;
    std::vector<std::uint32_t> beside;
  };
  struct Sum {
    double count = 0;
    double log_seconds = 0;
    double peak_bytes = 0;
  };

  void end_block(std::uint32_t endpoint);
  void add_class(std::uint32_t endpoint, std::span<const Observation> observations,
                 PairSums::Differences PairSums::*differences);

  std::vector<Block> blocks_;       // by endpoint
  std::vector<Sum> with_;           // by endpoint beside, while a class is summed up ...
  std::vector<std::uint32_t> met_;  // ... and which of them it has
  std::unordered_map<Pair, PairSums> sums_;
};

}  // namespace heapledger::analysis
