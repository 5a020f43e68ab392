#include "analysis/pair_blocks.h"

#include <algorithm>
#include <cmath>

namespace heapledger::analysis {
namespace {

// Long enough to hold both kinds, so many that Student's t has something to stand on.
constexpr std::uint64_t kLeastRequests = 25;
constexpr std::uint64_t kBlocks = 40;

PairBlocks::Pair pair_of(std::uint32_t endpoint, std::uint32_t beside) {
  return static_cast<PairBlocks::Pair>(endpoint) << 32U | beside;
}

}  // namespace

std::uint64_t PairBlocks::requests_a_block(std::uint64_t requests) {
  return std::max(kLeastRequests, (requests + kBlocks - 1) / kBlocks);
}

PairBlocks::PairBlocks(const std::vector<std::uint64_t>& requests) : blocks_(requests.size()), with_(requests.size()) {
  for (std::size_t i = 0; i < requests.size(); ++i) blocks_[i].full = requests_a_block(requests[i]);
}

void PairBlocks::add(const SweptRequest& request, std::span<const std::uint32_t> beside, double highest_bytes) {
  Block& block = blocks_[request.endpoint];
  const auto first = static_cast<std::uint32_t>(block.beside.size());
  block.beside.insert(block.beside.end(), beside.begin(), beside.end());
  const double microseconds = static_cast<double>(std::max<std::int64_t>(1, request.duration_us));
  block.observations.push_back({request.in_flight, first, static_cast<std::uint32_t>(block.beside.size()),
                                std::log(microseconds * 1e-6), highest_bytes});
  if (block.observations.size() == block.full) {
    end_block(request.endpoint);
  }
}

void PairBlocks::add_class(std::uint32_t endpoint, std::span<const Observation> observations,
                           PairSums::Differences PairSums::*differences) {
  const Block& block = blocks_[endpoint];
  Sum all;
  met_.clear();
  for (const Observation& one : observations) {
    const auto add = [&one](Sum& sum) {
      sum.count += 1;
      sum.log_seconds += one.log_seconds;
      sum.peak_bytes += one.peak_bytes;
    };
    add(all);
    for (std::uint32_t i = one.first_beside; i < one.end_beside; ++i) {
      Sum& with = with_[block.beside[i]];
      if (with.count == 0) met_.push_back(block.beside[i]);
      add(with);
    }
  }
  for (const std::uint32_t beside : met_) {
    const Sum with = with_[beside];
    const double without = all.count - with.count;
    with_[beside] = {};
    if (without > 0) {
      PairSums::Differences& sums = sums_[pair_of(endpoint, beside)].*differences;
      sums.log_seconds.add_class(with.count, with.log_seconds / with.count, without,
                                 (all.log_seconds - with.log_seconds) / without);
      sums.peak_bytes.add_class(with.count, with.peak_bytes / with.count, without,
                                (all.peak_bytes - with.peak_bytes) / without);
    }
  }
}

void PairBlocks::end_block(std::uint32_t endpoint) {
  Block& block = blocks_[endpoint];
  std::vector<Observation>& all = block.observations;
  std::sort(all.begin(), all.end(),
            [](const Observation& left, const Observation& right) { return left.in_flight < right.in_flight; });
  for (auto first = all.begin(); first != all.end();) {
    const auto end =
        std::find_if(first, all.end(), [&first](const Observation& one) { return one.in_flight != first->in_flight; });
    add_class(endpoint, {first, end}, &PairSums::at_level);
    first = end;
  }
  add_class(endpoint, all, &PairSums::at_any_level);
  std::sort(block.beside.begin(), block.beside.end());
  for (auto first = block.beside.begin(); first != block.beside.end();) {
    const auto end = std::upper_bound(first, block.beside.end(), *first);
    PairSums& sums = sums_[pair_of(endpoint, *first)];
    sums.requests_beside += static_cast<std::uint64_t>(end - first);
    for (PairSums::Differences* differences : {&sums.at_level, &sums.at_any_level}) {
      differences->log_seconds.end_block();
      differences->peak_bytes.end_block();
    }
    first = end;
  }
  all.clear();
  block.beside.clear();
}

void PairBlocks::end_worker() {
  for (std::uint32_t endpoint = 0; endpoint < blocks_.size(); ++endpoint) {
    if (!blocks_[endpoint].observations.empty()) end_block(endpoint);
  }
}

}  // namespace heapledger::analysis
