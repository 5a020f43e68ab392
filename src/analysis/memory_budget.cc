#include "analysis/memory_budget.h"

#include <algorithm>
#include <limits>
#include <map>

#include "analysis/memory_use.h"
#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

constexpr double kLeastLoadBytes = 8.0 * 1024 * 1024;

struct Process {
  const recording::WorkerRow* row = nullptr;
  std::optional<std::int64_t> first_request_us;
  std::vector<double> idle_live;                           // at moments without a request
  double least_rest = std::numeric_limits<double>::max();  // RSS - live
  double highest_rest = 0;
  double highest_rss = 0;
  double highest_live = 0;
  double open_live = 0;  // of requests in flight when the books were read
  double shared_bytes = 0;

  double idle_live_bytes() {
    if (idle_live.empty()) {
      return std::max(0.0, static_cast<double>(row->live_bytes) - open_live);
    }
    const auto middle = idle_live.begin() + static_cast<std::ptrdiff_t>(idle_live.size() / 2);
    std::nth_element(idle_live.begin(), middle, idle_live.end());
    return *middle;
  }
  void add(double rss, double live) {
    const double rest = std::max(0.0, rss - live);
    least_rest = std::min(least_rest, rest);
    highest_rest = std::max(highest_rest, rest);
    highest_rss = std::max(highest_rss, rss);
    highest_live = std::max(highest_live, live);
  }
};

std::map<std::int64_t, Process> standing_processes(const RecordingTables& tables) {
  LastStand stand;
  for (const auto& worker : tables.workers) {
    if (worker.rss_bytes) {
      stand.add(worker);
    }
  }
  std::map<std::int64_t, Process> processes;
  for (const auto& worker : tables.workers) {
    if (worker.rss_bytes && stand.includes(worker)) {
      processes[worker.id].row = &worker;
    }
  }
  return processes;
}

void add_samples(std::map<std::int64_t, Process>& processes, const MemorySamples& samples) {
  for (const auto& span : samples.spans) {
    const auto found = processes.find(span.worker);
    if (found != processes.end()) {
      auto& first = found->second.first_request_us;
      first = std::min(first.value_or(span.first_started_us), span.first_started_us);
    }
  }
  for (const auto& sample : samples.timeline) {
    const auto found = processes.find(sample.worker);
    const bool serves = found != processes.end() && found->second.first_request_us.value_or(0) <= sample.at_us;
    if (!serves || !sample.rss_bytes) {
      continue;
    }
    const auto live = static_cast<double>(std::max<std::int64_t>(0, sample.live_bytes));
    found->second.add(static_cast<double>(*sample.rss_bytes), live);
    if (sample.in_flight == 0) {
      found->second.idle_live.push_back(live);
    }
  }
  for (const auto& reading : samples.segments) {
    const auto found = processes.find(reading.worker);
    if (found != processes.end() && !reading.first && reading.rss_bytes && reading.pss_bytes) {
      found->second.shared_bytes = static_cast<double>(subtract_limited(*reading.rss_bytes, *reading.pss_bytes));
    }
  }
}

void add_books(std::map<std::int64_t, Process>& processes, const RecordingTables& tables) {
  for (const auto& total : tables.owner_totals) {
    const auto found = processes.find(total.worker);
    if (found != processes.end() && total.kind == recording::OwnerTotalKind::kOpen) {
      found->second.open_live += std::max(0.0, static_cast<double>(total.live_bytes));
    }
  }
  for (const auto& peak : tables.peaks) {
    const auto found = processes.find(peak.worker);
    if (found != processes.end()) {
      found->second.highest_live = std::max(found->second.highest_live, static_cast<double>(peak.live_bytes));
    }
  }
  for (auto& [id, process] : processes) {
    process.add(static_cast<double>(*process.row->rss_bytes),
                std::max(0.0, static_cast<double>(process.row->live_bytes)));
  }
}

void find_baseline(std::map<std::int64_t, Process>& processes, BudgetParts& parts) {
  double load = 0;
  for (auto& [id, process] : processes) {
    load += std::max(0.0, process.highest_live - process.idle_live_bytes());
  }
  MemoryBudget& budget = parts.budget;
  budget.overhead_measured = load >= kLeastLoadBytes;
  double baseline = 0;
  double growth = 0;
  for (auto& [id, process] : processes) {
    const double rest = budget.overhead_measured ? process.least_rest : process.highest_rest;
    const double own = std::max(0.0, rest + process.idle_live_bytes() - process.shared_bytes);
    growth += std::max(0.0, process.highest_rss - rest - process.idle_live_bytes());
    baseline += own;
    if (process.first_request_us) {
      ++parts.serving;
      parts.worker_baseline_bytes += own;
    }
  }
  parts.worker_baseline_bytes /= std::max(1.0, static_cast<double>(parts.serving));
  budget.processes = processes.size();
  budget.baseline_bytes = rounded_count(baseline);
  budget.overhead_ratio = budget.overhead_measured ? std::max(1.0, growth / load) : 1.0;
}

}  // namespace

BudgetParts find_budget(const RecordingTables& tables, const MemorySamples& samples,
                        const std::optional<std::uint64_t>& given_limit_bytes) {
  BudgetParts parts;
  MemoryBudget& budget = parts.budget;
  if (given_limit_bytes) {
    budget.limit_bytes = given_limit_bytes;
    budget.source = "--memory-limit";
  } else if (tables.meta.memory_limit_bytes) {
    budget.limit_bytes = count_of(*tables.meta.memory_limit_bytes);
    budget.source = tables.meta.memory_limit_source;
  }
  std::map<std::int64_t, Process> processes = standing_processes(tables);
  if (processes.empty()) {
    return parts;
  }
  add_samples(processes, samples);
  add_books(processes, tables);
  find_baseline(processes, parts);
  if (budget.limit_bytes && *budget.limit_bytes > *budget.baseline_bytes) {
    budget.headroom_bytes =
        rounded_count(static_cast<double>(*budget.limit_bytes - *budget.baseline_bytes) / *budget.overhead_ratio);
  }
  return parts;
}

}  // namespace heapledger::analysis
