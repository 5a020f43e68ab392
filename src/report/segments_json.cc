#include "report/segments_json.h"

#include "report/units.h"

namespace heapledger::report {
namespace {

Json time_or_null(const std::optional<std::int64_t>& unix_us) {
  return unix_us ? Json(format_iso_time(*unix_us)) : Json(nullptr);
}

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json segment_list(const std::vector<analysis::Segment>& segments) {
  Json list = Json::array();
  for (const analysis::Segment& segment : segments) {
    list.push_back(segment_row(segment));
  }
  return list;
}

Json group(const analysis::SegmentsGroup& sums) {
  return {{"processes", sums.processes},
          {"rss_bytes", value_or_null(sums.rss_bytes)},
          {"pss_bytes", value_or_null(sums.pss_bytes)},
          {"uss_bytes", value_or_null(sums.uss_bytes)},
          {"saved_bytes", value_or_null(sums.saved_bytes)},
          {"unshared_bytes", value_or_null(sums.unshared_bytes)},
          {"segments", segment_list(sums.segments)}};
}

Json blocks(const analysis::EndpointBlocks& endpoint) {
  return {{"method", endpoint.method},
          {"route", endpoint.route},
          {"version", text_or_null(endpoint.version)},
          {"requests", endpoint.requests},
          {"isolated_bytes", endpoint.isolated_bytes},
          {"escaped_bytes", endpoint.escaped_bytes},
          {"handed_off_bytes", value_or_null(endpoint.handed_off_bytes)},
          {"adopted_bytes", endpoint.adopted_bytes},
          {"retained_bytes", endpoint.retained_bytes}};
}

Json endpoint_or_null(const std::string& method, const std::string& route) {
  return route.empty() ? Json(nullptr) : Json{{"method", method}, {"route", route}};
}

Json flow(const analysis::BlockFlow& one) {
  return {{"from", endpoint_or_null(one.from_method, one.from_route)},
          {"to", endpoint_or_null(one.to_method, one.to_route)},
          {"bytes", one.bytes},
          {"blocks", one.blocks}};
}

}  // namespace

Json segment_row(const analysis::Segment& segment) {
  return {{"kind", name_of(segment.kind)},
          {"rss_bytes", segment.rss_bytes},
          {"shared_bytes", segment.shared_bytes},
          {"private_bytes", segment.private_bytes}};
}

Json segments_worker_row(const analysis::SegmentsWorker& worker) {
  return {{"worker", worker.worker},
          {"pid", worker.pid},
          {"parent_pid", worker.parent_pid},
          {"serves", worker.serves},
          {"in_group", worker.in_group},
          {"read_at", time_or_null(worker.read_at_unix_us)},
          {"first_read_at", time_or_null(worker.first_read_at_unix_us)},
          {"unread", text_or_null(worker.unread)},
          {"rss_bytes", value_or_null(worker.rss_bytes)},
          {"pss_bytes", value_or_null(worker.pss_bytes)},
          {"uss_bytes", value_or_null(worker.uss_bytes)},
          {"shared_bytes", value_or_null(worker.shared_bytes)},
          {"unshared_bytes", value_or_null(worker.unshared_bytes)}};
}

Json segments_document(const analysis::SegmentsResult& result) {
  Json document = open_document("segments", result.recording);
  document["recording_state"] = name_of(result.recording.state);
  document["workers"] = Json::array();
  for (const analysis::SegmentsWorker& worker : result.workers) {
    Json row = segments_worker_row(worker);
    row["segments"] = segment_list(worker.segments);
    document["workers"].push_back(std::move(row));
  }
  document["group"] = group(result.group);
  document["blocks"] = Json::array();
  for (const analysis::EndpointBlocks& endpoint : result.blocks) {
    document["blocks"].push_back(blocks(endpoint));
  }
  document["flows"] = Json::array();
  for (const analysis::BlockFlow& one : result.flows) {
    document["flows"].push_back(flow(one));
  }
  document["lost_flow_bytes"] = result.lost_flow_bytes;
  return document;
}

}  // namespace heapledger::report
