// The analysis behind `heapledger requests`, as a pure function of rows: give it the small tables, then every request
// row and slice of the recording once in any order, then ask for the result.
//
// It wants all rows, also those that the options leave out: shares and retained bytes refer to them.
// Throws std::invalid_argument for options that do not fit the recording, recording::RecordingError for rows that
// contradict each other. Allocates, see endpoint_figures.h. One thread at a time.
#pragma once

#include <unordered_map>
#include <vector>

#include "analysis/endpoint_figures.h"
#include "analysis/endpoint_names.h"
#include "analysis/recording_tables.h"
#include "analysis/selection.h"
#include "heapledger/analysis.h"

namespace heapledger::analysis {

class RequestsAnalysis {
 public:
  // `tables` must outlive this object.
  RequestsAnalysis(const RecordingTables& tables, const RequestsOptions& options);

  void add(const recording::RequestRow& request);
  void add(const recording::SliceRow& slice);

  RequestsResult finish();

 private:
  struct Endpoint {
    const recording::EndpointRow* row = nullptr;
    bool chosen = false;
    EndpointFigures figures;
  };

  Endpoint& endpoint_of(std::int64_t id);
  void book_retained();
  RecordingInfo describe_recording() const;
  std::uint64_t count_serving_workers() const;
  std::vector<EndpointCost> summarize_endpoints();
  std::uint64_t count_in_flight() const;

  const RecordingTables& tables_;
  RequestsOptions options_;
  Selection selection_;
  EndpointNames names_;
  std::vector<Endpoint> endpoints_;  // as in tables_
  std::unordered_map<std::int64_t, std::uint64_t> worker_requests_;
  double all_byte_seconds_ = 0;  // of every endpoint, in the chosen time and workers
  std::uint64_t recorded_requests_ = 0;
  std::uint64_t folded_requests_ = 0;
  std::uint64_t folded_left_out_ = 0;
};

}  // namespace heapledger::analysis
