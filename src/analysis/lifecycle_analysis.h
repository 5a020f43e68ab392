// The analysis behind `heapledger requests --lifecycle`, as a pure function of rows: give it the small tables, then the
// curves of the endpoints it asks for and the same requests' phases, one phase after the other, then the rows of the
// requests it names, then ask for the result.
//
// About 60 bytes a request of these endpoints. Throws std::invalid_argument for options that do not fit the recording.
// Allocates. One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "analysis/endpoint_names.h"
#include "analysis/live_curves.h"
#include "analysis/recording_tables.h"
#include "analysis/selection.h"
#include "analysis/statistics/sample.h"
#include "heapledger/lifecycle.h"
#include "recording/rows.h"

namespace heapledger::analysis {

class LifecycleAnalysis {
 public:
  // `tables` must outlive this object.
  LifecycleAnalysis(const RecordingTables& tables, const LifecycleOptions& options);

  // The endpoints whose curves it wants, by id.
  std::vector<std::int64_t> endpoints() const;

  void add(const recording::RequestCurveRow& request);
  void add(const recording::SliceRow& slice);
  void add(const recording::EndpointLifeRow& life);

  // All of one phase, then the next.
  void add(const recording::PhaseRow& phase);
  void end_phase(recording::RequestPhase phase);

  // The requests to be named, by id; ask once all curves were added.
  std::vector<std::int64_t> named() const;
  void add_named(const recording::RequestRow& request);

  // `spans`: of all requests of the recording.
  LifecycleResult finish(const std::vector<recording::RequestSpanRow>& spans);

 private:
  using Rank = std::pair<std::int64_t, std::int64_t>;  // what it is named for, ~id: the first of equals

  struct Endpoint {
    const recording::EndpointRow* row = nullptr;
    LiveCurves curves;
    statistics::Sample<double> duration_seconds;
    statistics::Sample<std::uint64_t> peak_bytes;
    statistics::Sample<std::uint64_t> escaped_bytes;
    statistics::Sample<std::uint64_t> after_response_bytes;
    statistics::Sample<double> phase_seconds;
    statistics::Sample<std::uint64_t> phase_allocated_bytes;
    statistics::Sample<std::uint64_t> phase_peak_bytes;
    std::vector<LifecyclePhase> phases;
    bool followed = false;  // what became of its survivors is recorded
    std::vector<std::int64_t> freed_by_age_bytes;
    std::vector<Rank> ranks;  // a heap, the least on top
    std::vector<LifecycleRequest> named;
  };

  void rank(Endpoint& endpoint, const recording::RequestCurveRow& request) const;
  std::uint64_t retained_bytes(std::int64_t endpoint) const;
  Survival survival_of(const Endpoint& endpoint) const;
  EndpointLifecycle summarize(Endpoint& endpoint) const;

  const RecordingTables& tables_;
  LifecycleOptions options_;
  Selection selection_;
  std::map<std::int64_t, Endpoint> endpoints_;  // those of the route
  std::uint64_t folded_requests_ = 0;
};

}  // namespace heapledger::analysis
