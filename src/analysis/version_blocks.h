// Requests in blocks: some that follow each other in one worker. What drifts (a heap that fills, a cache, a load) makes
// neighbours alike, so that blocks, not requests, are compared (statistics/block_shift.h).
//
// About 25 requests a block, more where there are many, so that a side has some 40 blocks at most in one worker. Each
// worker's requests are cut evenly, in the order of arrival. Pure function; allocates.
#pragma once

#include <cstdint>
#include <vector>

namespace heapledger::analysis {

inline constexpr std::uint64_t kBlockRequests = 25;
inline constexpr std::uint64_t kLeastBlocks = 20;  // of both versions together
inline constexpr std::uint64_t kLeastBlocksOfVersion = 6;

struct VersionBlocks {
  std::vector<std::uint32_t> of_request;  // number of its block
  std::vector<std::uint32_t> worker;      // of each block
};

// `workers`: of each request.
VersionBlocks cut_into_blocks(const std::vector<std::uint32_t>& workers);

}  // namespace heapledger::analysis
