// Everything collected about one endpoint's requests, and how it becomes an EndpointCost.
// About 90 bytes a request (130 with native data). One thread at a time.
#pragma once

#include <cstdint>

#include "analysis/recurring.h"
#include "analysis/row_arithmetic.h"
#include "analysis/statistics/sample.h"
#include "heapledger/requests.h"
#include "recording/rows.h"

namespace heapledger::analysis {

class EndpointFigures {
 public:
  void add(const recording::RequestRow& request);
  void add(const recording::SliceRow& slice);

  // A request or slice of this endpoint that the chosen time leaves out: only retained bytes know of it.
  void add_unchosen(std::uint64_t requests) { unchosen_requests_ += requests; }

  // What the books say of ended requests, and the requests that had ended when they were read, chosen or not.
  void add_booked(const recording::RequestRow& request);
  void add_booked(const recording::SliceRow& slice);
  void add_retained(std::int64_t worker, std::int64_t live_bytes);

  std::uint64_t requests() const { return requests_; }
  double total_byte_seconds() const { return byte_seconds_.sum(); }

  // `native`: the recording measured native memory. Reorders what was collected.
  EndpointCost summarize(const recording::EndpointRow& endpoint, bool native);

 private:
  using Integers = statistics::Sample<std::uint64_t>;
  using Reals = statistics::Sample<double>;

  std::uint64_t requests_ = 0;
  std::uint64_t unchosen_requests_ = 0;
  std::uint64_t errors_ = 0;
  std::uint64_t concurrency_sum_ = 0;
  std::uint64_t concurrency_count_ = 0;
  std::uint64_t concurrency_max_ = 0;
  std::int64_t retained_bytes_ = 0;
  RecurringRetention recurring_;
  Integers allocated_bytes_;
  Integers allocations_;
  Integers peak_bytes_;
  Integers native_allocated_bytes_;
  Integers native_peak_bytes_;
  Integers isolated_bytes_;
  Integers escaped_bytes_;
  Integers adopted_bytes_;
  Integers after_response_bytes_;
  Reals byte_seconds_;
  Reals duration_seconds_;
};

}  // namespace heapledger::analysis
