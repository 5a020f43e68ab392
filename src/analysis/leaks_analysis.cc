#include "analysis/leaks_analysis.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "analysis/endpoint_growth.h"
#include "analysis/memory_use.h"
#include "analysis/recording_info.h"
#include "analysis/recycled_objects.h"
#include "analysis/row_arithmetic.h"
#include "analysis/selection.h"

namespace heapledger::analysis {
namespace {

constexpr double kSmallestBlockBytes = 16;

struct WorkerGrowth {
  std::int64_t worker = 0;
  const recording::EndpointLifeRow* life = nullptr;
  CohortSeries cohorts;
  EndpointGrowth growth;
  double requests() const { return static_cast<double>(cohorts.requests); }
  bool judged() const { return growth.verdict != LeakVerdict::kUnknown; }
};

// Requests of one endpoint with rows of their own, over the chosen workers.
struct Span {
  std::uint64_t requests = 0;
  std::int64_t first_us = 0;
  std::int64_t last_us = 0;
  void add(const recording::RequestSpanRow& row) {
    first_us = requests == 0 ? row.first_started_us : std::min(first_us, row.first_started_us);
    last_us = requests == 0 ? row.last_started_us : std::max(last_us, row.last_started_us);
    requests += count_of(row.requests);
  }
  std::optional<double> per_second() const {
    const double seconds = static_cast<double>(subtract_limited(last_us, first_us)) / 1e6;
    return requests >= 2 && seconds > 0 ? std::optional(static_cast<double>(requests - 1) / seconds) : std::nullopt;
  }
};

struct Endpoint {
  const recording::EndpointRow* row = nullptr;
  std::vector<WorkerGrowth> workers;
  std::vector<const recording::SiteRow*> sites;
  Span span;
};

RequestsOptions choice_of(const LeaksOptions& options) {
  RequestsOptions choice;
  choice.routes = options.routes;
  choice.methods = options.methods;
  choice.workers = options.workers;
  return choice;
}

class LeaksAnalysis {
 public:
  LeaksAnalysis(const RecordingTables& tables, const LeakTables& survivors, const LeaksOptions& options)
      : tables_(tables), survivors_(survivors), options_(options), selection_(choice_of(options), tables) {}

  LeaksResult find() {
    collect();
    LeaksResult result;
    result.confidence_ratio = kLeakConfidence;
    result.recording = describe();
    result.memory_limit_bytes = options_.memory_limit_bytes;
    result.rss_bytes = sum_memory(tables_, selection_).rss_bytes;
    for (const recording::WorkerRow& worker : tables_.workers) {
      if (selection_.has_worker(worker.id)) {
        result.lost_samples += count_of(worker.lost_samples);
        result.lost_survivor_bytes += count_of(worker.lost_survivor_bytes);
      }
    }
    const SiteGrouping grouping(survivors_.code);
    for (const auto& [id, endpoint] : endpoints_) {
      result.findings.push_back(finding_of(endpoint, grouping));
    }
    finish_leaks(result.findings);
    reckon_limit(result);
    for (const LeakFinding& finding : result.findings) {
      if (finding.smallest_leak_bytes) {
        result.smallest_leak_bytes = std::max(result.smallest_leak_bytes.value_or(0), *finding.smallest_leak_bytes);
      }
    }
    sort(result.findings);
    result.unmatched = selection_.unmatched(tables_.endpoints);
    result.limit = options_.limit;
    return result;
  }

 private:
  RecordingInfo describe() const {
    std::unordered_set<std::int64_t> served;
    for (const auto& span : survivors_.spans) {
      served.insert(span.worker);
    }
    return describe_recording(tables_, serving_workers(tables_, std::move(served)).size());
  }

  // Null when the endpoint or the worker is not chosen.
  Endpoint* endpoint_of(std::int64_t endpoint, std::int64_t worker) {
    const auto found = rows_.find(endpoint);
    if (found == rows_.end() || !selection_.has_worker(worker) || !selection_.has_endpoint(*found->second)) {
      return nullptr;
    }
    Endpoint& chosen = endpoints_[endpoint];
    chosen.row = found->second;
    return &chosen;
  }

  // By worker and endpoint: how many others of it end while one request of it runs.
  std::map<std::pair<std::int64_t, std::int64_t>, double> at_once_by_endpoint() const {
    std::map<std::pair<std::int64_t, std::int64_t>, double> at_once;
    for (const auto& span : survivors_.spans) {
      at_once[{span.worker, span.endpoint}] =
          static_cast<double>(span.ended_meanwhile) / static_cast<double>(std::max<std::int64_t>(1, span.requests));
    }
    return at_once;
  }

  void collect() {
    if (survivors_.lives.empty()) {
      return;
    }
    for (const auto& row : tables_.endpoints) {
      rows_[row.id] = &row;
    }
    std::map<std::pair<std::int64_t, std::int64_t>, std::vector<recording::CohortRow>> cohorts;
    for (const auto& row : survivors_.cohorts) {
      cohorts[{row.worker, row.endpoint}].push_back(row);
    }
    std::map<std::pair<std::int64_t, std::int64_t>, double> at_once = at_once_by_endpoint();
    for (const auto& life : survivors_.lives) {
      Endpoint* endpoint = life.requests > 0 ? endpoint_of(life.endpoint, life.worker) : nullptr;
      if (endpoint != nullptr) {
        WorkerGrowth& worker = endpoint->workers.emplace_back();
        worker.worker = life.worker;
        worker.life = &life;
        worker.cohorts = arrange_cohorts(life.requests, cohorts[{life.worker, life.endpoint}]);
        worker.growth = judge_endpoint(worker.cohorts, life, at_once[{life.worker, life.endpoint}]);
      }
    }
    for (const auto& span : survivors_.spans) {
      if (Endpoint* endpoint = endpoint_of(span.endpoint, span.worker)) {
        endpoint->span.add(span);
      }
    }
    for (const auto& site : survivors_.code.sites) {
      Endpoint* endpoint =
          site.endpoint && site.retained_samples > 0 ? endpoint_of(*site.endpoint, site.worker) : nullptr;
      if (endpoint != nullptr) {
        endpoint->sites.push_back(&site);
      }
    }
  }

  LeakFinding finding_of(const Endpoint& endpoint, const SiteGrouping& grouping) const {
    LeakFinding finding;
    finding.method = endpoint.row->method;
    finding.route = endpoint.row->route;
    finding.version = endpoint.row->version;
    finding.deprecated = endpoint.row->deprecated;
    finding.requests = endpoint.span.requests;
    if (!endpoint.workers.empty()) {
      combine(endpoint.workers, finding);
    }
    add_sites(grouping.group(endpoint.sites, &recording::SiteRow::retained_bytes), finding);
    return finding;
  }

  // `findings` as endpoints_.
  void finish_leaks(std::vector<LeakFinding>& findings) const {
    auto one = findings.begin();
    for (const auto& [id, endpoint] : endpoints_) {
      auto other = findings.begin();
      for (const auto& [other_id, neighbour] : endpoints_) {
        if (id != other_id) {
          compare(endpoint, *one, neighbour, *other);
        }
        ++other;
      }
      if (one->verdict == LeakVerdict::kLeak) {
        reckon_requests(endpoint, *one);
      }
      ++one;
    }
  }

  static void compare(const Endpoint& endpoint, LeakFinding& finding, const Endpoint& neighbour,
                      const LeakFinding& other) {
    bool shared = false;
    for (const WorkerGrowth& one : endpoint.workers) {
      for (const WorkerGrowth& beside : neighbour.workers) {
        if (one.worker != beside.worker || one.growth.kept.empty() || beside.growth.kept.empty()) {
          continue;
        }
        shared = shared || may_be_others(one.cohorts, one.growth, beside.cohorts, beside.growth);
        if (is_even_together(one.cohorts, one.growth, beside.cohorts, beside.growth) &&
            finding.verdict == LeakVerdict::kGrowing) {
          finding.verdict = LeakVerdict::kLeak;
          finding.grounds = LeakGrounds::kPairKeeps;
          finding.smallest_leak_bytes.reset();
        }
      }
    }
    if (shared) {
      finding.shared_with.push_back({other.method, other.route, other.version});
    }
  }

  static void combine(const std::vector<WorkerGrowth>& workers, LeakFinding& finding) {
    const WorkerGrowth* speaks = nullptr;  // the one with most requests among those with the verdict that counts
    double retained = 0;
    std::uint64_t requests = 0;
    for (const WorkerGrowth& worker : workers) {
      retained += worker.growth.retained_bytes;
      requests += count_of(worker.cohorts.requests);
      finding.worker_requests = std::max(finding.worker_requests, count_of(worker.cohorts.requests));
      finding.workers += worker.judged() ? 1 : 0;
      const bool weightier =
          speaks == nullptr || worker.growth.verdict < speaks->growth.verdict ||
          (worker.growth.verdict == speaks->growth.verdict && worker.requests() > speaks->requests());
      speaks = weightier ? &worker : speaks;
    }
    finding.retained_bytes = rounded_count(retained);
    finding.requests = requests;
    finding.verdict = speaks->growth.verdict;
    finding.grounds = speaks->growth.grounds;
    finding.since_request = count_of(speaks->growth.since_request);
    finding.cohorts = speaks->growth.series.cohorts;
    finding.oldest_free_requests = count_of(speaks->life->oldest_free_requests);
    finding.early_bytes_per_request = speaks->growth.series.early_rate_bytes;
    finding.requests_needed = speaks->judged() ? 0 : count_of(speaks->growth.requests_needed);
    finding.needed_for_overlap = !speaks->judged() && speaks->growth.requests_needed > kLeastRequests;
    for (const WorkerGrowth& worker : workers) {
      finding.workers_alike += worker.growth.verdict == finding.verdict ? 1 : 0;
    }
    combine_rates(workers, finding);
  }

  static void combine_rates(const std::vector<WorkerGrowth>& workers, LeakFinding& finding) {
    double requests = 0;
    double bytes = 0;
    double squares = 0;
    double beside = 0;
    std::optional<double> unseen;
    for (const WorkerGrowth& worker : workers) {
      if (!worker.judged()) {
        continue;
      }
      const SeriesJudgement& series = worker.growth.series;
      const bool keeps = worker.growth.verdict == LeakVerdict::kLeak || worker.growth.verdict == LeakVerdict::kGrowing;
      const double rate = finding.verdict == LeakVerdict::kLeak ? series.rate_bytes : series.late_rate_bytes;
      requests += worker.requests();
      bytes += keeps ? rate * worker.requests() : 0;
      beside += keeps ? worker.growth.beside_rate_bytes * worker.requests() : 0;
      squares += keeps ? std::pow(series.rate_half_width * worker.requests(), 2) : 0;
      unseen = std::min(unseen.value_or(worker.growth.unseen_rate_bytes), worker.growth.unseen_rate_bytes);
    }
    if (finding.verdict == LeakVerdict::kLeak || finding.verdict == LeakVerdict::kGrowing) {
      finding.bytes_per_request = bytes / requests;
    }
    if (finding.verdict == LeakVerdict::kLeak) {
      const double half = std::sqrt(squares) / requests;
      finding.bytes_per_request_interval = {std::max(0.0, bytes / requests - half), (bytes + beside) / requests + half};
    } else if (unseen) {
      finding.smallest_leak_bytes = rounded_count(std::ceil(*unseen / kSmallestBlockBytes) * kSmallestBlockBytes);
    }
  }

  std::optional<double> free_bytes() const {
    const std::optional<std::uint64_t> rss_bytes = sum_memory(tables_, selection_).rss_bytes;
    if (!options_.memory_limit_bytes || !rss_bytes) {
      return std::nullopt;
    }
    return std::max(0.0, static_cast<double>(*options_.memory_limit_bytes) - static_cast<double>(*rss_bytes));
  }

  void reckon_requests(const Endpoint& endpoint, LeakFinding& finding) const {
    const std::optional<double> room = free_bytes();
    if (!room || *finding.bytes_per_request <= 0) {
      return;
    }
    const double requests = std::floor(*room / *finding.bytes_per_request);
    finding.requests_to_limit = rounded_count(requests);
    if (const auto rate = endpoint.span.per_second()) {
      finding.seconds_to_limit = requests / *rate;
    }
  }

  // All leaks at once fill what is free in the time that each fills its share of it.
  void reckon_limit(LeaksResult& result) const {
    const std::optional<double> room = free_bytes();
    double bytes_per_second = 0;
    for (const LeakFinding& finding : result.findings) {
      if (finding.seconds_to_limit && *finding.seconds_to_limit > 0) {
        bytes_per_second += room.value_or(0) / *finding.seconds_to_limit;
      }
    }
    if (room && bytes_per_second > 0) {
      result.seconds_to_limit = *room / bytes_per_second;
    }
  }

  static void add_sites(const std::vector<SiteGroup>& groups, LeakFinding& finding) {
    double all = 0;
    for (const SiteGroup& group : groups) {
      all += group.retained_bytes;
    }
    for (const SiteGroup& group : groups) {
      LeakSite& site = finding.sites.emplace_back();
      site.stack = group.stack;
      site.retained_bytes = estimate_of(group.retained_bytes, group.retained_samples);
      // One sample of a small block stands for much; all of them together hold no more than what lives.
      if (finding.retained_bytes) {
        site.retained_bytes.bytes = std::min(site.retained_bytes.bytes, *finding.retained_bytes);
        site.retained_bytes.low = std::min(site.retained_bytes.low, *finding.retained_bytes);
        site.retained_bytes.high = std::min(site.retained_bytes.high, *finding.retained_bytes);
      }
      site.retained_blocks = rounded_count(group.retained_blocks);
      site.samples = group.retained_samples;
      site.share_ratio = all > 0 ? group.retained_bytes / all : 0;
    }
  }

  static void sort(std::vector<LeakFinding>& findings) {
    std::stable_sort(findings.begin(), findings.end(), [](const LeakFinding& a, const LeakFinding& b) {
      if (a.verdict != b.verdict) {
        return a.verdict < b.verdict;
      }
      const std::uint64_t a_bytes = a.retained_bytes.value_or(0);
      const std::uint64_t b_bytes = b.retained_bytes.value_or(0);
      return a_bytes != b_bytes ? a_bytes > b_bytes : std::tie(a.route, a.method) < std::tie(b.route, b.method);
    });
  }

  const RecordingTables& tables_;
  const LeakTables& survivors_;
  const LeaksOptions& options_;
  Selection selection_;
  std::map<std::int64_t, const recording::EndpointRow*> rows_;
  std::map<std::int64_t, Endpoint> endpoints_;
};

}  // namespace

LeaksResult find_leaks(const RecordingTables& tables, const LeakTables& survivors, const LeaksOptions& options) {
  return LeaksAnalysis(tables, survivors, options).find();
}

std::optional<bool> LeaksResult::has_leak() const {
  std::optional<bool> found;
  for (const LeakFinding& finding : findings) {
    if (finding.verdict != LeakVerdict::kUnknown) {
      found = found.value_or(false) || finding.verdict == LeakVerdict::kLeak;
    }
  }
  return found;
}

}  // namespace heapledger::analysis
