// The analysis behind `heapledger requests --interference`, as a pure function of rows: give it the small tables, then
// the curve of every request of the recording once, in any order, then ask for the result.
//
// Some 50 bytes a request of the chosen workers, and a few hundred a pair of endpoints that met. Throws
// std::invalid_argument for options that do not fit the recording. Allocates. One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "analysis/highest_moments.h"
#include "analysis/in_flight_sweep.h"
#include "analysis/pair_blocks.h"
#include "analysis/recording_tables.h"
#include "analysis/selection.h"
#include "heapledger/interference.h"
#include "recording/rows.h"

namespace heapledger::analysis {

class InterferenceAnalysis {
 public:
  // `tables` must outlive this object.
  InterferenceAnalysis(const RecordingTables& tables, const InterferenceOptions& options);

  void add(const recording::RequestCurveRow& request);
  void add(const recording::SliceRow& slice);

  InterferenceResult finish();

 private:
  struct Endpoint {
    const recording::EndpointRow* row = nullptr;
    bool chosen = false;
    bool ran = false;            // in a chosen worker
    std::uint64_t requests = 0;  // chosen
  };

  void sweep_all(PairBlocks& blocks, HighestMoments& moments);
  std::vector<EndpointPair> describe_pairs(const PairBlocks& blocks, const std::vector<SharedMoment>& highest,
                                           double confidence_ratio) const;
  std::uint64_t possible_pairs() const;

  const RecordingTables& tables_;
  InterferenceOptions options_;
  Selection selection_;
  std::vector<Endpoint> endpoints_;  // as in tables_
  std::unordered_map<std::int64_t, std::uint32_t> index_;
  std::map<std::int64_t, std::vector<SweptRequest>> workers_;
  std::map<std::int64_t, std::uint64_t> served_;  // requests by worker, chosen or not
  std::uint64_t folded_requests_ = 0;
};

}  // namespace heapledger::analysis
