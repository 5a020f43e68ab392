#include "analysis/selection.h"

#include <algorithm>
#include <cctype>
#include <limits>
#include <stdexcept>
#include <string>

#include "analysis/nearest.h"
#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

std::int64_t resolve_us(const Moment& moment, const RecordingTables& tables) {
  switch (moment.base) {
    case Moment::Base::kEnd:
      return add_limited(tables.end_us, moment.offset_us);
    case Moment::Base::kUnix:
      return subtract_limited(moment.offset_us, tables.meta.started_unix_ns / 1000);
    case Moment::Base::kStart:
      break;
  }
  return moment.offset_us;
}

bool equal_ignoring_case(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
    return std::toupper(static_cast<unsigned char>(a)) == std::toupper(static_cast<unsigned char>(b));
  });
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char letter) { return static_cast<char>(std::toupper(static_cast<unsigned char>(letter))); });
  return text;
}

bool route_fits(const std::string& pattern, const recording::EndpointRow& endpoint) {
  return pattern == endpoint.route || matches_route(pattern, endpoint.route);
}

bool method_fits(const std::string& method, const recording::EndpointRow& endpoint) {
  return equal_ignoring_case(method, endpoint.method);
}

std::string list_of(const std::vector<recording::WorkerRow>& workers) {
  constexpr std::size_t kNamed = 8;
  std::string list;
  for (std::size_t i = 0; i < std::min(workers.size(), kNamed); ++i) {
    list += (i == 0 ? "" : ", ") + std::to_string(workers[i].id);
  }
  if (workers.size() > kNamed) {
    list += " and " + std::to_string(workers.size() - kNamed) + " more";
  }
  return list.empty() ? "none" : list;
}

void check_workers(const std::vector<std::int64_t>& wanted, const std::vector<recording::WorkerRow>& present) {
  for (const std::int64_t worker : wanted) {
    const auto same = [worker](const recording::WorkerRow& row) { return row.id == worker; };
    if (std::none_of(present.begin(), present.end(), same)) {
      throw std::invalid_argument("no worker " + std::to_string(worker) +
                                  " in this recording; its workers: " + list_of(present));
    }
  }
}

}  // namespace

bool matches_route(std::string_view pattern, std::string_view route) {
  std::size_t p = 0;
  std::size_t r = 0;
  std::size_t after_star = std::string_view::npos;
  std::size_t retry = 0;
  while (r < route.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      after_star = ++p;
      retry = r;
    } else if (p < pattern.size() && pattern[p] == route[r]) {
      ++p;
      ++r;
    } else if (after_star != std::string_view::npos) {
      p = after_star;
      r = ++retry;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

Selection::Selection(const RequestsOptions& options, const RecordingTables& tables)
    : routes_(options.routes),
      methods_(options.methods),
      workers_(options.workers),
      since_us_(std::numeric_limits<std::int64_t>::min()),
      until_us_(std::numeric_limits<std::int64_t>::max()) {
  check_workers(workers_, tables.workers);
  if (options.since) {
    since_us_ = resolve_us(*options.since, tables);
  }
  if (options.warmup_us > 0) {
    since_us_ = std::max(since_us_, options.warmup_us);
  }
  if (options.until) {
    until_us_ = resolve_us(*options.until, tables);
  }
}

bool Selection::has_worker(std::int64_t worker) const {
  return workers_.empty() || std::find(workers_.begin(), workers_.end(), worker) != workers_.end();
}

bool Selection::has_endpoint(const recording::EndpointRow& endpoint) const {
  const auto takes_route = [&](const std::string& pattern) { return route_fits(pattern, endpoint); };
  const auto takes_method = [&](const std::string& method) { return method_fits(method, endpoint); };
  return (routes_.empty() || std::any_of(routes_.begin(), routes_.end(), takes_route)) &&
         (methods_.empty() || std::any_of(methods_.begin(), methods_.end(), takes_method));
}

std::vector<UnmatchedOption> Selection::unmatched(const std::vector<recording::EndpointRow>& endpoints) const {
  std::vector<UnmatchedOption> found;
  if (endpoints.empty()) {
    return found;
  }
  std::vector<std::string> routes;
  std::vector<std::string> methods;
  for (const recording::EndpointRow& endpoint : endpoints) {
    routes.push_back(endpoint.route);
    methods.push_back(endpoint.method);
  }
  for (const std::string& pattern : routes_) {
    const auto takes = [&](const recording::EndpointRow& endpoint) { return route_fits(pattern, endpoint); };
    if (std::none_of(endpoints.begin(), endpoints.end(), takes)) {
      found.push_back({"route", pattern, nearest_route(pattern, routes)});
    }
  }
  for (const std::string& method : methods_) {
    const auto takes = [&](const recording::EndpointRow& endpoint) { return method_fits(method, endpoint); };
    if (std::none_of(endpoints.begin(), endpoints.end(), takes)) {
      found.push_back({"method", method, nearest(upper(method), methods)});
    }
  }
  return found;
}

}  // namespace heapledger::analysis
