#include "analysis/version_retention.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

constexpr std::size_t kMostSites = 5;

bool is_of(const LeakFinding& finding, const recording::EndpointRow& row) {
  return finding.method == row.method && finding.route == row.route && finding.version == row.version &&
         finding.deprecated == row.deprecated;
}

bool is_of(const VersionSide& side, std::int64_t endpoint) {
  return std::find(side.endpoints.begin(), side.endpoints.end(), endpoint) != side.endpoints.end();
}

void add_leak(const LeakFinding& finding, double weight, VersionRetention& retention) {
  if (finding.verdict == LeakVerdict::kUnknown || finding.verdict == LeakVerdict::kGrowing) {
    retention.leak.reset();
    retention.is_known = false;
  } else if (finding.bytes_per_request_interval && retention.leak) {
    retention.leak->low += finding.bytes_per_request_interval->low * weight;
    retention.leak->high += finding.bytes_per_request_interval->high * weight;
  }
}

VersionVerdict verdict_on(const ByteRate& from, const ByteRate& to, double margin_ratio) {
  if (to.low > from.high * (1 + margin_ratio)) {
    return VersionVerdict::kRegression;
  }
  if (to.high * (1 + margin_ratio) < from.low) {
    return VersionVerdict::kImprovement;
  }
  const bool within = to.high <= from.low * (1 + margin_ratio) && from.high <= to.low * (1 + margin_ratio);
  return within ? VersionVerdict::kSame : VersionVerdict::kInconclusive;
}

// What a line is called, whichever version it is in: lines move from one to the next.
using LineName = std::pair<std::string, std::string>;

LineName name_of(const CodeStack& stack) {
  if (stack.places.empty()) {
    return {};
  }
  const CodePlace& place = stack.places[stack.application_place < stack.places.size() ? stack.application_place : 0];
  return {place.file, place.function};
}

struct LineCost {
  CodeStack stack;
  double bytes = 0;
  std::uint64_t samples = 0;
};
using Lines = std::map<LineName, LineCost>;

Lines lines_of(const VersionCode& code) {
  std::vector<const recording::SiteRow*> rows;
  for (const recording::SiteRow& row : code.tables.sites) {
    if (row.endpoint && is_of(code.side, *row.endpoint)) {
      rows.push_back(&row);
    }
  }
  Lines lines;
  for (SiteGroup& group : SiteGrouping(code.tables).group(rows, &recording::SiteRow::allocated_bytes)) {
    LineCost& line = lines[name_of(group.stack)];
    if (line.samples == 0) {
      line.stack = std::move(group.stack);
    }
    line.bytes += group.allocated_bytes;
    line.samples += group.samples;
  }
  return lines;
}

EstimatedBytes a_request(const LineCost& line, std::uint64_t requests) {
  EstimatedBytes all = estimate_of(line.bytes, line.samples);
  for (std::uint64_t* bytes : {&all.bytes, &all.low, &all.high}) {
    *bytes = rounded_count(static_cast<double>(*bytes) / static_cast<double>(requests));
  }
  return all;
}

// Of a line that was not sampled in so many requests: none, and at most what 3.7 samples stand for (the Poisson mean
// that shows no event in one case of forty).
EstimatedBytes unseen(const LineCost& like, std::uint64_t requests) {
  constexpr double kUnseenSamples = 3.689;
  const double each = like.bytes / std::max(1.0, static_cast<double>(like.samples));
  return {0, 0, rounded_count(kUnseenSamples * each / static_cast<double>(requests))};
}

double change_of(const VersionSite& site) {
  return std::abs(static_cast<double>(site.to_bytes.bytes) - static_cast<double>(site.from_bytes.bytes));
}

}  // namespace

VersionRetention retention_of(const VersionSide& side, const VersionSides& recording, const LeaksResult& leaks) {
  VersionRetention retention;
  retention.leak = ByteRate{};
  double retained = 0;
  std::uint64_t requests = 0;
  std::vector<const LeakFinding*> findings;
  for (const recording::EndpointRow& row : recording.tables().endpoints) {
    if (!is_of(side, row.id)) {
      continue;
    }
    for (const LeakFinding& finding : leaks.findings) {
      if (is_of(finding, row) && finding.retained_bytes) {
        findings.push_back(&finding);
        retained += static_cast<double>(*finding.retained_bytes);
        requests += finding.requests;
      }
    }
  }
  if (requests == 0) {
    return {};
  }
  retention.is_known = true;
  retention.retained_bytes = rounded_count(retained);
  retention.bytes_per_request = retained / static_cast<double>(requests);
  for (const LeakFinding* finding : findings) {
    add_leak(*finding, static_cast<double>(finding->requests) / static_cast<double>(requests), retention);
  }
  return retention;
}

VersionMetric compare_retention(const VersionRetention& from, const VersionRetention& to, double margin_ratio) {
  VersionMetric metric;
  metric.name = "retained_bytes";
  metric.decides = true;
  metric.grounds = VersionGrounds::kNotFollowed;
  metric.from = from.bytes_per_request;
  metric.to = to.bytes_per_request;
  if (from.leak && to.leak && from.is_known && to.is_known) {
    metric.grounds = VersionGrounds::kMeasured;
    metric.verdict = verdict_on(*from.leak, *to.leak, margin_ratio);
    if (from.leak->low > 0 && to.leak->low > 0) {
      metric.ratio = (to.leak->low + to.leak->high) / (from.leak->low + from.leak->high);
      metric.interval = VersionInterval{to.leak->low / from.leak->high, to.leak->high / from.leak->low};
    }
  }
  return metric;
}

std::vector<VersionSite> compare_sites(const VersionCode& from, const VersionCode& to) {
  std::vector<VersionSite> sites;
  if (from.side.requests == 0 || to.side.requests == 0) {
    return sites;
  }
  const Lines before = lines_of(from);
  Lines after = lines_of(to);
  for (const auto& [name, line] : before) {
    const auto found = after.find(name);
    const LineCost none;
    const LineCost& other = found == after.end() ? none : found->second;
    sites.push_back({other.samples > 0 ? other.stack : line.stack, a_request(line, from.side.requests),
                     other.samples > 0 ? a_request(other, to.side.requests) : unseen(line, to.side.requests)});
    if (found != after.end()) {
      after.erase(found);
    }
  }
  for (const auto& [name, line] : after) {
    sites.push_back({line.stack, unseen(line, from.side.requests), a_request(line, to.side.requests)});
  }
  const auto overlap = [](const VersionSite& site) {
    return site.from_bytes.low <= site.to_bytes.high && site.to_bytes.low <= site.from_bytes.high;
  };
  sites.erase(std::remove_if(sites.begin(), sites.end(), overlap), sites.end());
  std::stable_sort(sites.begin(), sites.end(),
                   [](const VersionSite& a, const VersionSite& b) { return change_of(a) > change_of(b); });
  sites.resize(std::min(sites.size(), kMostSites));
  return sites;
}

}  // namespace heapledger::analysis
