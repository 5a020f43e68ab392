#include "analysis/endpoint_order.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <tuple>

namespace heapledger::analysis {
namespace {

struct Order {
  std::string_view name;
  RequestsSort sort;
  double (*figure)(const EndpointCost&);
};

double real(std::uint64_t value) { return static_cast<double>(value); }

constexpr std::array kOrders{
    Order{"cost", RequestsSort::kCost, [](const EndpointCost& e) { return e.total_byte_seconds; }},
    Order{"requests", RequestsSort::kRequests, [](const EndpointCost& e) { return real(e.requests); }},
    Order{"errors", RequestsSort::kErrors, [](const EndpointCost& e) { return real(e.errors); }},
    Order{"peak", RequestsSort::kPeak, [](const EndpointCost& e) { return real(e.peak_bytes.max); }},
    Order{"allocated", RequestsSort::kAllocated, [](const EndpointCost& e) { return real(e.allocated_bytes.p50); }},
    Order{"escaped", RequestsSort::kEscaped, [](const EndpointCost& e) { return real(e.escaped_bytes.p50); }},
    Order{"retained", RequestsSort::kRetained, [](const EndpointCost& e) { return real(e.retained_bytes); }},
    Order{"duration", RequestsSort::kDuration, [](const EndpointCost& e) { return e.duration_seconds.p50; }},
    Order{"concurrency", RequestsSort::kConcurrency, [](const EndpointCost& e) { return real(e.concurrency.max); }},
    Order{"route", RequestsSort::kRoute, [](const EndpointCost&) { return 0.0; }},
};

const Order& order_of(RequestsSort sort) {
  return *std::find_if(kOrders.begin(), kOrders.end(), [sort](const Order& order) { return order.sort == sort; });
}

}  // namespace

RequestsSort parse_requests_sort(std::string_view name) {
  std::string names;
  for (const Order& order : kOrders) {
    if (order.name == name) {
      return order.sort;
    }
    names += (names.empty() ? "" : ", ") + std::string(order.name);
  }
  throw std::invalid_argument("cannot sort by \"" + std::string(name) + "\"; there are: " + names);
}

void sort_endpoints(std::vector<EndpointCost>& endpoints, RequestsSort order) {
  const auto figure = order_of(order).figure;
  const auto before = [figure](const EndpointCost& a, const EndpointCost& b) {
    const double left = figure(a);
    const double right = figure(b);
    if (left != right) {
      return left > right;
    }
    return std::tie(a.route, a.method, a.version, a.deprecated) < std::tie(b.route, b.method, b.version, b.deprecated);
  };
  std::sort(endpoints.begin(), endpoints.end(), before);
}

}  // namespace heapledger::analysis
