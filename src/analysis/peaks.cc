#include "analysis/peaks.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

template <class Item>
void sort_by_live(std::vector<Item>& items) {
  std::stable_sort(items.begin(), items.end(),
                   [](const Item& a, const Item& b) { return a.live_bytes > b.live_bytes; });
}

Holder describe_holder(const recording::PeakMemberRow& member, const EndpointNames& names) {
  Holder holder;
  if (const recording::EndpointRow* endpoint = names.find(member.endpoint)) {
    holder.method = endpoint->method;
    holder.route = endpoint->route;
    holder.version = endpoint->version;
  }
  holder.live_bytes = count_of(member.live_bytes);
  return holder;
}

std::vector<HolderGroup> sum_by_endpoint(const std::vector<Holder>& holders) {
  std::vector<HolderGroup> groups;
  for (const Holder& holder : holders) {
    const auto same = [&holder](const HolderGroup& group) {
      return group.method == holder.method && group.route == holder.route && group.version == holder.version;
    };
    auto group = std::find_if(groups.begin(), groups.end(), same);
    if (group == groups.end()) {
      groups.push_back({holder.method, holder.route, holder.version, 0, 0});
      group = groups.end() - 1;
    }
    ++group->requests;
    group->live_bytes += holder.live_bytes;
  }
  sort_by_live(groups);
  return groups;
}

std::optional<std::uint64_t> outside_of(const Peak& peak) {
  std::uint64_t held_bytes = 0;
  for (const Holder& holder : peak.in_flight) {
    held_bytes += holder.live_bytes;
  }
  const bool complete = peak.in_flight.size() == peak.in_flight_requests && held_bytes <= peak.live_bytes;
  return complete ? std::optional(peak.live_bytes - held_bytes) : std::nullopt;
}

// The highest moment of the chosen workers that the chosen time leaves out; null if there is none.
const recording::PeakRow* highest_outside(const RecordingTables& tables, const Selection& selection) {
  const recording::PeakRow* highest = nullptr;
  for (const auto& row : tables.peaks) {
    const bool outside = selection.has_worker(row.worker) && !selection.has_time(row.at_us);
    highest = outside && (highest == nullptr || row.live_bytes > highest->live_bytes) ? &row : highest;
  }
  return highest;
}

}  // namespace

std::vector<Peak> describe_peaks(const RecordingTables& tables, const EndpointNames& names,
                                 const Selection& selection) {
  const recording::PeakRow* outside = highest_outside(tables, selection);
  std::vector<Peak> peaks;
  for (const auto& row : tables.peaks) {
    const bool chosen = selection.has_worker(row.worker) && selection.has_time(row.at_us);
    if (!chosen || (outside != nullptr && outside->live_bytes > row.live_bytes)) {
      continue;
    }
    Peak& peak = peaks.emplace_back();
    peak.at_unix_us = add_limited(tables.meta.started_unix_ns / 1000, row.at_us);
    peak.after_start_seconds = static_cast<double>(row.at_us) / 1e6;
    peak.worker = row.worker;
    peak.live_bytes = count_of(row.live_bytes);
    peak.in_flight_requests = count_of(row.in_flight);
    for (const auto& member : row.members) {
      peak.in_flight.push_back(describe_holder(member, names));
    }
    sort_by_live(peak.in_flight);
    peak.by_endpoint = sum_by_endpoint(peak.in_flight);
    peak.outside_bytes = outside_of(peak);
  }
  sort_by_live(peaks);
  return peaks;
}

std::optional<std::int64_t> peak_outside_unix_us(const RecordingTables& tables, const Selection& selection) {
  const recording::PeakRow* outside = highest_outside(tables, selection);
  const auto as_high = [&](const recording::PeakRow& row) {
    return selection.has_worker(row.worker) && selection.has_time(row.at_us) && row.live_bytes >= outside->live_bytes;
  };
  if (outside == nullptr || std::any_of(tables.peaks.begin(), tables.peaks.end(), as_high)) {
    return std::nullopt;
  }
  return add_limited(tables.meta.started_unix_ns / 1000, outside->at_us);
}

}  // namespace heapledger::analysis
