#include "analysis/recurring.h"

#include <algorithm>

#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {

void RecurringRetention::add_request(std::int64_t worker, std::uint64_t escaped_bytes) {
  ++requests_;
  Worker& served = workers_[worker];
  served.served = true;
  served.largest_escaped_bytes = std::max(served.largest_escaped_bytes, escaped_bytes);
}

void RecurringRetention::add_folded(std::uint64_t requests, std::uint64_t largest_escaped_bytes) {
  requests_ += requests;
  largest_folded_bytes_ = std::max(largest_folded_bytes_, largest_escaped_bytes);
}

void RecurringRetention::add_retained(std::int64_t worker, std::int64_t live_bytes) {
  std::int64_t& retained = workers_[worker].retained_bytes;
  retained = add_limited(retained, live_bytes);
}

RecurringRetention::Sum RecurringRetention::sum() const {
  Sum sum;
  const bool folded = largest_folded_bytes_ != 0;
  std::uint64_t left_out = 0;
  for (const auto& [id, worker] : workers_) {
    const std::uint64_t retained = count_of(worker.retained_bytes);
    sum.bytes += retained - std::min(retained, std::max(worker.largest_escaped_bytes, largest_folded_bytes_));
    left_out += worker.served || folded ? 1 : 0;
  }
  sum.requests = requests_ - std::min(requests_, left_out);
  return sum;
}

}  // namespace heapledger::analysis
