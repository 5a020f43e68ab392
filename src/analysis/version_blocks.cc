#include "analysis/version_blocks.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace heapledger::analysis {
namespace {

constexpr double kMostBlocks = 40;

struct WorkerBlocks {
  std::uint64_t requests = 0;
  std::uint64_t seen = 0;
  std::uint64_t blocks = 0;
  std::uint32_t first = 0;
};

}  // namespace

VersionBlocks cut_into_blocks(const std::vector<std::uint32_t>& workers) {
  const double length =
      std::max(static_cast<double>(kBlockRequests), static_cast<double>(workers.size()) / kMostBlocks);
  std::map<std::uint32_t, WorkerBlocks> by_worker;
  for (const std::uint32_t worker : workers) {
    ++by_worker[worker].requests;
  }
  VersionBlocks cut;
  for (auto& [id, worker] : by_worker) {
    worker.blocks = std::max<std::uint64_t>(1, std::llround(static_cast<double>(worker.requests) / length));
    worker.first = static_cast<std::uint32_t>(cut.worker.size());
    cut.worker.insert(cut.worker.end(), worker.blocks, id);
  }
  cut.of_request.reserve(workers.size());
  for (const std::uint32_t id : workers) {
    WorkerBlocks& worker = by_worker[id];
    cut.of_request.push_back(worker.first +
                             static_cast<std::uint32_t>(worker.seen++ * worker.blocks / worker.requests));
  }
  return cut;
}

}  // namespace heapledger::analysis
