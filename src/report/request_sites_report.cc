#include "report/request_sites_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "report/code_lines.h"
#include "report/leaks_json.h"
#include "report/requests_lines.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::RequestSite;

constexpr std::size_t kShown = 5;
constexpr double kShownShare = 0.01;

struct Order {
  const char* title;
  std::uint64_t (*bytes)(const RequestSite&);
  double RequestSite::*ratio;
};
constexpr Order kByAllocated{"allocated", [](const RequestSite& site) { return site.allocated_bytes.bytes; },
                             &RequestSite::allocated_ratio};
constexpr Order kByPeak{"live at the peak", [](const RequestSite& site) { return site.peak_bytes; },
                        &RequestSite::peak_ratio};

std::string list_text(std::vector<const RequestSite*> sites, const Order& order, const std::string& common) {
  std::stable_sort(sites.begin(), sites.end(),
                   [&order](const auto* a, const auto* b) { return a->*order.ratio > b->*order.ratio; });
  std::uint64_t samples = 0;
  for (const RequestSite* site : sites) {
    samples += site->samples;
  }
  const RequestSite& first = *sites.front();
  std::string text = fmt::format("lines    {} a request, {}; estimated from {} samples:\n", order.title,
                                 endpoint_name(first.method, first.route, first.version), format_count(samples));
  for (std::size_t i = 0; i < std::min(sites.size(), kShown); ++i) {
    const RequestSite& site = *sites[i];
    if (i == 0 || site.*order.ratio >= kShownShare) {
      text += fmt::format("{:>17}  {:>7}  {}\n", format_bytes(order.bytes(site)), format_percent(site.*order.ratio),
                          code_line(site.stack, common));
    }
  }
  return text;
}

}  // namespace

Json request_sites(const analysis::RequestsResult& result) {
  Json sites = Json::array();
  for (const RequestSite& site : result.sites) {
    const analysis::EstimatedBytes& allocated = site.allocated_bytes;
    sites.push_back({{"method", site.method},
                     {"route", site.route},
                     {"version", version_or_null(site.version)},
                     {"stack", stack_list(site.stack)},
                     {"truncated", site.stack.truncated},
                     {"allocated_bytes", allocated.bytes},
                     {"allocated_bytes_interval", Json::array({allocated.low, allocated.high})},
                     {"peak_bytes", site.peak_bytes},
                     {"samples", site.samples},
                     {"allocated_ratio", site.allocated_ratio},
                     {"peak_ratio", site.peak_ratio}});
  }
  return sites;
}

std::string missing_sites(const analysis::RequestsResult& result) {
  if (!result.sites.empty()) {
    return "";
  }
  return result.sites_asked ? "none of its blocks was sampled" : "lines are shown for routes that --route names";
}

std::string request_sites_text(const analysis::RequestsResult& result) {
  if (!result.sites_asked) {
    return "";
  }
  if (result.sites.empty()) {
    return "lines    not known: " + missing_sites(result) + "\n";
  }
  std::vector<const analysis::CodeStack*> stacks;
  for (const RequestSite& site : result.sites) {
    stacks.push_back(&site.stack);
  }
  const std::string common = common_folder(stacks);
  std::string text;
  for (auto begin = result.sites.begin(); begin != result.sites.end();) {
    std::vector<const RequestSite*> sites;
    const auto same = [&begin](const RequestSite& site) {
      return site.method == begin->method && site.route == begin->route && site.version == begin->version;
    };
    auto end = begin;
    for (; end != result.sites.end() && same(*end); ++end) {
      sites.push_back(&*end);
    }
    text += list_text(sites, kByAllocated, common) + list_text(sites, kByPeak, common);
    begin = end;
  }
  return text;
}

}  // namespace heapledger::report
