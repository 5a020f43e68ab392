// The analysis behind `heapledger requests`, as a pure function of rows: give it the small tables, then every request
// row and slice of the recording once in any order, then ask for the result.
//
// It wants all rows, also those that the options leave out: shares and retained bytes refer to them.
// Throws std::invalid_argument for options that do not fit the recording, recording::RecordingError for rows that
// contradict each other. Allocates, see endpoint_figures.h. One thread at a time.
#pragma once

#include <limits>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "analysis/endpoint_figures.h"
#include "analysis/endpoint_names.h"
#include "analysis/recording_tables.h"
#include "analysis/selection.h"
#include "heapledger/requests.h"

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

  struct Served {
    std::uint64_t requests = 0;
    std::int64_t last_end_us = std::numeric_limits<std::int64_t>::min();
  };

  Endpoint& endpoint_of(std::int64_t id);
  void book_retained();
  // When the books of this worker were read; the largest number when they are its last.
  std::int64_t books_us(std::int64_t worker) const;
  void date_books(Accounting& books) const;
  std::unordered_set<std::int64_t> serving() const;
  std::vector<EndpointCost> summarize_endpoints();
  std::uint64_t count_in_flight() const;

  const RecordingTables& tables_;
  RequestsOptions options_;
  Selection selection_;
  EndpointNames names_;
  std::vector<Endpoint> endpoints_;                                  // as in tables_
  std::unordered_map<std::int64_t, Served> served_;                  // by worker, of its single rows
  std::unordered_map<std::int64_t, std::int64_t> running_books_us_;  // by worker; those that ended have no date
  double all_byte_seconds_ = 0;  // of every endpoint, in the chosen time and workers
  std::uint64_t recorded_requests_ = 0;
  std::uint64_t folded_requests_ = 0;
  std::uint64_t folded_left_out_ = 0;
};

}  // namespace heapledger::analysis
