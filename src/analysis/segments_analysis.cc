#include "analysis/segments_analysis.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "analysis/recording_info.h"
#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

using recording::SegmentReadingRow;
using recording::SegmentRow;

// The public enumeration repeats the recording's.
static_assert(static_cast<int>(SegmentKind::kPythonArenas) == static_cast<int>(recording::SegmentKind::kPythonArenas));
static_assert(static_cast<int>(SegmentKind::kHeapledger) == static_cast<int>(recording::SegmentKind::kHeapledger));

// heapledger's own is left out: its ledger is a file that the collector maps too.
constexpr std::array kAnonymous{recording::SegmentKind::kPythonArenas, recording::SegmentKind::kMallocHeap,
                                recording::SegmentKind::kOtherAnonymous, recording::SegmentKind::kStacks};

RequestsOptions selecting(const SegmentsOptions& options) {
  RequestsOptions wanted;
  wanted.workers = options.workers;
  return wanted;
}

std::uint64_t add_counts(std::uint64_t left, std::uint64_t right) {
  std::uint64_t sum = 0;
  return __builtin_add_overflow(left, right, &sum) ? std::numeric_limits<std::uint64_t>::max() : sum;
}

void add_part(std::optional<std::uint64_t>& sum, const std::optional<std::uint64_t>& part) {
  if (part) {
    sum = add_counts(sum.value_or(0), *part);
  }
}

SegmentRow part_of(const SegmentReadingRow& reading, recording::SegmentKind kind) {
  const auto same = [kind](const SegmentRow& row) { return row.kind == kind; };
  const auto found = std::find_if(reading.segments.begin(), reading.segments.end(), same);
  return found == reading.segments.end() ? SegmentRow{} : *found;
}

std::uint64_t unshared_between(const SegmentReadingRow& first, const SegmentReadingRow& latest) {
  std::int64_t by_kind = 0;
  std::int64_t in_all = 0;
  for (const recording::SegmentKind kind : kAnonymous) {
    const SegmentRow now = part_of(latest, kind);
    const std::int64_t gone = subtract_limited(part_of(first, kind).shared_bytes, now.shared_bytes);
    by_kind = add_limited(by_kind, std::min(std::max<std::int64_t>(0, gone), now.private_bytes));
    in_all = add_limited(in_all, gone);
  }
  return count_of(std::min(by_kind, in_all));
}

void sort_segments(std::vector<Segment>& segments) {
  std::stable_sort(segments.begin(), segments.end(), [](const Segment& left, const Segment& right) {
    return std::tuple(right.rss_bytes, left.kind) < std::tuple(left.rss_bytes, right.kind);
  });
}

std::vector<Segment> segments_of(const SegmentReadingRow& reading) {
  std::vector<Segment> segments;
  for (const SegmentRow& row : reading.segments) {
    if (row.rss_bytes != 0) {
      segments.push_back({static_cast<SegmentKind>(row.kind), count_of(row.rss_bytes), count_of(row.shared_bytes),
                          count_of(row.private_bytes)});
    }
  }
  sort_segments(segments);
  return segments;
}

void add_segments(std::vector<Segment>& sums, const std::vector<Segment>& segments) {
  for (const Segment& segment : segments) {
    const auto same = [&segment](const Segment& sum) { return sum.kind == segment.kind; };
    auto sum = std::find_if(sums.begin(), sums.end(), same);
    if (sum == sums.end()) {
      sum = sums.insert(sums.end(), {segment.kind, 0, 0, 0});
    }
    sum->rss_bytes = add_counts(sum->rss_bytes, segment.rss_bytes);
    sum->shared_bytes = add_counts(sum->shared_bytes, segment.shared_bytes);
    sum->private_bytes = add_counts(sum->private_bytes, segment.private_bytes);
  }
}

SegmentsGroup sum_group(const std::vector<SegmentsWorker>& workers) {
  SegmentsGroup group;
  for (const SegmentsWorker& worker : workers) {
    if (!worker.in_group) {
      continue;
    }
    ++group.processes;
    add_part(group.rss_bytes, worker.rss_bytes);
    add_part(group.pss_bytes, worker.pss_bytes);
    add_part(group.uss_bytes, worker.uss_bytes);
    add_part(group.unshared_bytes, worker.unshared_bytes);
    add_segments(group.segments, worker.segments);
  }
  if (group.rss_bytes && group.pss_bytes) {
    group.saved_bytes = *group.rss_bytes - std::min(*group.rss_bytes, *group.pss_bytes);
  }
  sort_segments(group.segments);
  return group;
}

}  // namespace

SegmentsAnalysis::SegmentsAnalysis(const RecordingTables& tables, const SegmentsOptions& options)
    : tables_(tables),
      selection_(selecting(options), tables),
      names_(tables.endpoints),
      blocks_(tables.endpoints.size()),
      retained_bytes_(tables.endpoints.size()) {
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    blocks_[i].method = tables.endpoints[i].method;
    blocks_[i].route = tables.endpoints[i].route;
    blocks_[i].version = tables.endpoints[i].version;
  }
  for (const auto& total : tables.owner_totals) {
    const bool ended =
        total.kind == recording::OwnerTotalKind::kRequest || total.kind == recording::OwnerTotalKind::kTenured;
    if (ended && total.endpoint && selection_.has_worker(total.worker)) {
      std::int64_t& retained = retained_bytes_[index_of(*total.endpoint)];
      retained = add_limited(retained, total.live_bytes);
    }
  }
}

std::size_t SegmentsAnalysis::index_of(std::int64_t endpoint) const {
  const recording::EndpointRow* row = names_.find(endpoint);
  if (row == nullptr) {
    throw recording::RecordingError(tables_.path + " is damaged: a row names endpoint " + std::to_string(endpoint) +
                                    ", which is not there");
  }
  return static_cast<std::size_t>(row - tables_.endpoints.data());
}

void SegmentsAnalysis::add(const recording::RequestRow& request) {
  served_.insert(request.worker);
  if (!selection_.has_worker(request.worker)) {
    return;
  }
  EndpointBlocks& sums = blocks_[index_of(request.endpoint)];
  ++sums.requests;
  sums.isolated_bytes = add_counts(sums.isolated_bytes, count_of(request.isolated_bytes));
  sums.escaped_bytes = add_counts(sums.escaped_bytes, count_of(request.escaped_bytes));
  sums.adopted_bytes = add_counts(sums.adopted_bytes, count_of(request.adopted_bytes));
}

// A slice does not say who served its requests.
void SegmentsAnalysis::add(const recording::SliceRow& slice) {
  if (!selection_.has_every_worker()) {
    return;
  }
  EndpointBlocks& sums = blocks_[index_of(slice.endpoint)];
  sums.requests = add_counts(sums.requests, count_of(slice.requests));
  sums.isolated_bytes = add_counts(sums.isolated_bytes, rounded_count(slice.isolated_bytes.sum));
  sums.escaped_bytes = add_counts(sums.escaped_bytes, rounded_count(slice.escaped_bytes.sum));
  sums.adopted_bytes = add_counts(sums.adopted_bytes, rounded_count(slice.adopted_bytes.sum));
}

void SegmentsAnalysis::add(const recording::FlowRow& flow) {
  if (selection_.has_worker(flow.worker)) {
    flows_.push_back(flow);
  }
}

void SegmentsAnalysis::add(const SegmentReadingRow& reading) { readings_.push_back(reading); }

SegmentsAnalysis::Readings SegmentsAnalysis::readings_of(std::int64_t worker) const {
  Readings readings;
  for (const SegmentReadingRow& reading : readings_) {
    if (reading.worker == worker) {
      (reading.first ? readings.first : readings.latest) = &reading;
    }
  }
  return readings;
}

// Those that ran when the last one that came was first read: what it replaced would be counted twice.
bool SegmentsAnalysis::is_in_group(const recording::WorkerRow& row, const recording::WorkerRow& last) const {
  const Readings newest = readings_of(last.id);
  const std::int64_t came_us = newest.first == nullptr ? last.started_us : newest.first->at_us;
  return !row.ended_us || *row.ended_us > came_us || row.id == last.id;
}

SegmentsWorker SegmentsAnalysis::describe(const recording::WorkerRow& row, const recording::WorkerRow* last) const {
  const Readings readings = readings_of(row.id);
  SegmentsWorker worker;
  worker.worker = row.id;
  worker.pid = row.pid;
  worker.parent_pid = row.parent_pid;
  if (readings.latest == nullptr) {
    return worker;
  }
  const SegmentReadingRow& latest = *readings.latest;
  const std::int64_t began_us = tables_.meta.started_unix_ns / 1000;
  worker.unread = latest.reason;
  worker.read_at_unix_us = add_limited(began_us, latest.at_us);
  if (!latest.rss_bytes || !latest.pss_bytes) {
    return worker;
  }
  worker.in_group = last != nullptr && is_in_group(row, *last);
  worker.rss_bytes = count_of(*latest.rss_bytes);
  worker.pss_bytes = count_of(*latest.pss_bytes);
  worker.segments = segments_of(latest);
  worker.uss_bytes = worker.shared_bytes = 0;
  for (const Segment& segment : worker.segments) {
    add_part(worker.uss_bytes, segment.private_bytes);
    add_part(worker.shared_bytes, segment.shared_bytes);
  }
  if (readings.first != nullptr) {
    worker.first_read_at_unix_us = add_limited(began_us, readings.first->at_us);
  }
  const auto forked_it = [&row](const recording::WorkerRow& other) {
    return other.pid == row.parent_pid && other.id != row.id && other.started_us <= row.started_us;
  };
  const bool forked = std::any_of(tables_.workers.begin(), tables_.workers.end(), forked_it);
  if (forked && readings.first != nullptr && readings.first->at_us < latest.at_us) {
    worker.unshared_bytes = unshared_between(*readings.first, latest);
  }
  return worker;
}

std::vector<SegmentsWorker> SegmentsAnalysis::describe_workers() const {
  const auto was_read = [this](const recording::WorkerRow& row) {
    return std::any_of(readings_.begin(), readings_.end(), [&row](const SegmentReadingRow& reading) {
      return reading.worker == row.id && !reading.first && reading.rss_bytes;
    });
  };
  const recording::WorkerRow* last = nullptr;
  for (const auto& row : tables_.workers) {
    const bool later = last == nullptr || row.started_us > last->started_us;
    if (selection_.has_worker(row.id) && was_read(row) && later) {
      last = &row;
    }
  }
  std::vector<SegmentsWorker> workers;
  for (const auto& row : tables_.workers) {
    if (selection_.has_worker(row.id) && !readings_.empty()) {
      workers.push_back(describe(row, last));
    }
  }
  return workers;
}

std::vector<EndpointBlocks> SegmentsAnalysis::describe_blocks(bool flows_recorded) const {
  std::vector<EndpointBlocks> blocks = blocks_;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    blocks[i].retained_bytes = count_of(retained_bytes_[i]);
    if (flows_recorded) {
      blocks[i].handed_off_bytes = 0;
    }
  }
  for (const recording::FlowRow& flow : flows_) {
    if (flow.freer_endpoint) {
      add_part(blocks[index_of(flow.owner_endpoint)].handed_off_bytes, count_of(flow.bytes));
    }
  }
  const auto empty = [](const EndpointBlocks& one) { return one.requests == 0 && one.retained_bytes == 0; };
  blocks.erase(std::remove_if(blocks.begin(), blocks.end(), empty), blocks.end());
  std::stable_sort(blocks.begin(), blocks.end(), [](const EndpointBlocks& left, const EndpointBlocks& right) {
    return std::tie(right.escaped_bytes, left.route, left.method, left.version) <
           std::tie(left.escaped_bytes, right.route, right.method, right.version);
  });
  return blocks;
}

namespace {

std::vector<BlockFlow> sum_flows(const std::vector<recording::FlowRow>& rows, const EndpointNames& names) {
  using Key = std::tuple<std::string, std::string, std::string, std::string>;
  std::map<Key, std::pair<std::uint64_t, std::uint64_t>> sums;
  for (const recording::FlowRow& row : rows) {
    const recording::EndpointRow* from = names.find(row.owner_endpoint);
    const recording::EndpointRow* to = names.find(row.freer_endpoint);
    Key key{from->method, from->route, to == nullptr ? "" : to->method, to == nullptr ? "" : to->route};
    auto& [bytes, blocks] = sums[std::move(key)];
    bytes = add_counts(bytes, count_of(row.bytes));
    blocks = add_counts(blocks, count_of(row.blocks));
  }
  std::vector<BlockFlow> flows;
  for (const auto& [key, sum] : sums) {
    flows.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), std::get<3>(key), sum.first, sum.second});
  }
  std::stable_sort(flows.begin(), flows.end(),
                   [](const BlockFlow& left, const BlockFlow& right) { return left.bytes > right.bytes; });
  return flows;
}

}  // namespace

SegmentsResult SegmentsAnalysis::finish(bool flows_recorded) {
  SegmentsResult result;
  const std::unordered_set<std::int64_t> serving = serving_workers(tables_, served_);
  result.recording = describe_recording(tables_, serving.size());
  result.workers = describe_workers();
  for (SegmentsWorker& worker : result.workers) {
    worker.serves = serving.contains(worker.worker);
  }
  result.group = sum_group(result.workers);
  result.blocks = describe_blocks(flows_recorded);
  result.flows = sum_flows(flows_, names_);
  for (const recording::WorkerRow& worker : tables_.workers) {
    if (selection_.has_worker(worker.id)) {
      result.lost_flow_bytes = add_counts(result.lost_flow_bytes, count_of(worker.lost_flow_bytes));
    }
  }
  return result;
}

}  // namespace heapledger::analysis
