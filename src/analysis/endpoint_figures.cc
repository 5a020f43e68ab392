#include "analysis/endpoint_figures.h"

#include <algorithm>

#include "analysis/row_arithmetic.h"
#include "recording/figures.h"

namespace heapledger::analysis {
namespace {

constexpr double kMicrosecondsPerSecond = 1e6;

template <class Value>
void fold(statistics::Sample<Value>& sample, const recording::FoldedFigure& figure, double divisor = 1) {
  sample.add_folded(real_of(figure.sum), real_of(figure.max), figure.bins, divisor);
}

}  // namespace

void EndpointFigures::add_booked(const recording::RequestRow& request) {
  recurring_.add_request(request.worker, count_of(request.escaped_bytes));
}

void EndpointFigures::add_booked(const recording::SliceRow& slice) {
  recurring_.add_folded(count_of(slice.requests), rounded_count(slice.escaped_bytes.max));
}

void EndpointFigures::add_retained(std::int64_t worker, std::int64_t live_bytes) {
  retained_bytes_ = add_limited(retained_bytes_, live_bytes);
  recurring_.add_retained(worker, live_bytes);
}

void EndpointFigures::add(const recording::RequestRow& request) {
  ++requests_;
  errors_ += recording::is_error(request) ? 1 : 0;
  concurrency_sum_ += count_of(request.in_flight_at_start);
  ++concurrency_count_;
  concurrency_max_ =
      std::max({concurrency_max_, count_of(request.in_flight_peak), count_of(request.in_flight_at_start)});
  allocated_bytes_.add(count_of(request.allocated_bytes));
  allocations_.add(count_of(request.allocations));
  peak_bytes_.add(count_of(request.peak_bytes));
  if (request.native_allocated_bytes) {
    native_allocated_bytes_.add(count_of(*request.native_allocated_bytes));
  }
  if (request.native_peak_bytes) {
    native_peak_bytes_.add(count_of(*request.native_peak_bytes));
  }
  isolated_bytes_.add(count_of(request.isolated_bytes));
  escaped_bytes_.add(count_of(request.escaped_bytes));
  adopted_bytes_.add(count_of(request.adopted_bytes));
  after_response_bytes_.add(count_of(request.after_response_bytes));
  byte_seconds_.add(real_of(request.byte_seconds));
  duration_seconds_.add(static_cast<double>(count_of(request.duration_us)) / kMicrosecondsPerSecond);
}

void EndpointFigures::add(const recording::SliceRow& slice) {
  requests_ += count_of(slice.requests);
  errors_ += count_of(slice.errors);
  concurrency_max_ = std::max(concurrency_max_, rounded_count(slice.in_flight_peak.max));
  fold(allocated_bytes_, slice.allocated_bytes);
  fold(allocations_, slice.allocations);
  fold(peak_bytes_, slice.peak_bytes);
  fold(native_allocated_bytes_, slice.native_allocated_bytes);
  fold(native_peak_bytes_, slice.native_peak_bytes);
  fold(isolated_bytes_, slice.isolated_bytes);
  fold(escaped_bytes_, slice.escaped_bytes);
  fold(adopted_bytes_, slice.adopted_bytes);
  fold(after_response_bytes_, slice.after_response_bytes);
  fold(byte_seconds_, slice.byte_seconds);
  fold(duration_seconds_, slice.duration_us, kMicrosecondsPerSecond);
}

EndpointCost EndpointFigures::summarize(const recording::EndpointRow& endpoint, bool native) {
  EndpointCost cost;
  cost.method = endpoint.method;
  cost.route = endpoint.route;
  cost.version = endpoint.version;
  cost.deprecated = endpoint.deprecated;
  cost.requests = requests_;
  cost.errors = errors_;
  if (concurrency_count_ != 0) {
    cost.concurrency.mean = static_cast<double>(concurrency_sum_) / static_cast<double>(concurrency_count_);
    cost.concurrency.alongside = std::max(0.0, *cost.concurrency.mean - 1);
  }
  cost.concurrency.max = concurrency_max_;
  cost.allocated_bytes = allocated_bytes_.summarize();
  cost.allocations = allocations_.summarize();
  cost.peak_bytes = peak_bytes_.summarize();
  if (native && native_allocated_bytes_.count() != 0) {
    cost.native_allocated_bytes = native_allocated_bytes_.summarize();
  }
  if (native && native_peak_bytes_.count() != 0) {
    cost.native_peak_bytes = native_peak_bytes_.summarize();
  }
  cost.isolated_bytes = isolated_bytes_.summarize();
  cost.escaped_bytes = escaped_bytes_.summarize();
  cost.adopted_bytes = adopted_bytes_.summarize();
  cost.after_response_bytes = after_response_bytes_.summarize();
  cost.retained_bytes = count_of(retained_bytes_);
  cost.recorded_requests = requests_ + unchosen_requests_;
  const RecurringRetention::Sum recurring = recurring_.sum();
  cost.recurring_bytes = recurring.bytes;
  cost.recurring_requests = recurring.requests;
  cost.byte_seconds = byte_seconds_.summarize();
  cost.total_byte_seconds = byte_seconds_.sum();
  cost.duration_seconds = duration_seconds_.summarize();
  return cost;
}

}  // namespace heapledger::analysis
