#include "analysis/payloads_order.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <tuple>

namespace heapledger::analysis {
namespace {

struct Order {
  std::string_view name;
  PayloadsSort sort;
  double (*figure)(const EndpointPayloads&);
};

double real(std::uint64_t value) { return static_cast<double>(value); }

constexpr std::array kOrders{
    Order{
        "requirement", PayloadsSort::kRequirement,
        [](const EndpointPayloads& e) { return real(e.requirement.p99_bytes.value_or(e.requirement.largest_bytes)); }},
    Order{"amplification", PayloadsSort::kAmplification,
          [](const EndpointPayloads& e) {
            return std::max(e.request.model.amplification_ratio.value_or(0),
                            e.response.model.amplification_ratio.value_or(0));
          }},
    Order{"request", PayloadsSort::kRequestSize,
          [](const EndpointPayloads& e) { return real(e.request.size_bytes.max); }},
    Order{"response", PayloadsSort::kResponseSize,
          [](const EndpointPayloads& e) { return real(e.response.size_bytes.max); }},
    Order{"requests", PayloadsSort::kRequests, [](const EndpointPayloads& e) { return real(e.requests); }},
    Order{"route", PayloadsSort::kRoute, [](const EndpointPayloads&) { return 0.0; }},
};

}  // namespace

PayloadsSort parse_payloads_sort(std::string_view name) {
  std::string names;
  for (const Order& order : kOrders) {
    if (order.name == name) {
      return order.sort;
    }
    names += (names.empty() ? "" : ", ") + std::string(order.name);
  }
  throw std::invalid_argument("cannot sort by \"" + std::string(name) + "\"; there are: " + names);
}

void sort_payloads(std::vector<EndpointPayloads>& endpoints, PayloadsSort order) {
  const auto figure =
      std::find_if(kOrders.begin(), kOrders.end(), [order](const Order& o) { return o.sort == order; })->figure;
  const auto before = [figure](const EndpointPayloads& a, const EndpointPayloads& b) {
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
