#include "report/segments_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "report/labelled_lines.h"
#include "report/printable.h"
#include "report/requests_lines.h"
#include "report/table.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::BlockFlow;
using analysis::EndpointBlocks;
using analysis::Segment;
using analysis::SegmentKind;
using analysis::SegmentsResult;
using analysis::SegmentsWorker;

constexpr std::size_t kFlowsShown = 5;

Column right(const char* title, int dispensable = 0) { return {title, Align::kRight, false, dispensable}; }

std::string size_cell(const std::optional<std::uint64_t>& bytes) { return bytes ? format_bytes(*bytes) : "-"; }

const char* words_for(SegmentKind kind) {
  switch (kind) {
    case SegmentKind::kPythonArenas:
      return "Python arenas";
    case SegmentKind::kMallocHeap:
      return "malloc heap";
    case SegmentKind::kOtherAnonymous:
      return "other anonymous";
    case SegmentKind::kLibraries:
      return "libraries";
    case SegmentKind::kMappedFiles:
      return "mapped files";
    case SegmentKind::kSharedMemory:
      return "shared memory";
    case SegmentKind::kStacks:
      return "stacks";
    case SegmentKind::kHeapledger:
      return "heapledger";
  }
  return "?";
}

std::string process_name(const SegmentsWorker& worker) {
  return fmt::format("{} {} (pid {})", worker.serves ? "worker" : "process", worker.worker, worker.pid);
}

std::string processes_table(const SegmentsResult& result, const TextStyle& style) {
  Table table({{"PROCESS", Align::kLeft, true, 0},
               right("RSS"),
               right("PSS"),
               right("PRIVATE"),
               right("SHARED", 2),
               right("UNSHARED", 1),
               right("READ", 3)});
  for (const SegmentsWorker& worker : result.workers) {
    table.add_row({process_name(worker), size_cell(worker.rss_bytes), size_cell(worker.pss_bytes),
                   size_cell(worker.uss_bytes), size_cell(worker.shared_bytes), size_cell(worker.unshared_bytes),
                   worker.read_at_unix_us ? format_clock(*worker.read_at_unix_us) : "-"});
  }
  return table.render(style);
}

std::string kinds_table(const SegmentsResult& result, const TextStyle& style) {
  Table table({{"OF ALL", Align::kLeft, true, 0}, right("RSS"), right("PRIVATE"), right("SHARED")});
  for (const Segment& segment : result.group.segments) {
    table.add_row({words_for(segment.kind), format_bytes(segment.rss_bytes), format_bytes(segment.private_bytes),
                   format_bytes(segment.shared_bytes)});
  }
  return table.render(style);
}

std::string blocks_table(const SegmentsResult& result, const TextStyle& style) {
  Table table({{"ENDPOINT", Align::kLeft, true, 0},
               right("REQS", 2),
               right("ISOLATED"),
               right("ESCAPED"),
               right("HANDED OFF", 1),
               right("ADOPTED"),
               right("RETAINED"),
               {"", Align::kLeft, false, 0}});
  const std::size_t shown = std::min(result.blocks.size(), analysis::kTextLimit);
  for (std::size_t i = 0; i < shown; ++i) {
    const EndpointBlocks& endpoint = result.blocks[i];
    table.add_row({endpoint_name(endpoint.method, endpoint.route, endpoint.version), format_count(endpoint.requests),
                   format_bytes(endpoint.isolated_bytes), format_bytes(endpoint.escaped_bytes),
                   size_cell(endpoint.handed_off_bytes), format_bytes(endpoint.adopted_bytes),
                   format_bytes(endpoint.retained_bytes), ""});
  }
  std::string text = table.render(style);
  if (shown < result.blocks.size()) {
    text += fmt::format("({} more in --format json)\n", format_count(result.blocks.size() - shown));
  }
  return text;
}

std::string sharing_line(const analysis::SegmentsGroup& group) {
  if (!group.rss_bytes || !group.pss_bytes || !group.saved_bytes) {
    return "";
  }
  const ByteUnit unit = byte_unit_for(*group.rss_bytes);
  const auto figure = [unit](std::uint64_t bytes) { return format_in(unit, static_cast<double>(bytes)); };
  return fmt::format("RSS {} {} of {} take {}: sharing saves {}", figure(*group.rss_bytes), unit.name,
                     group.processes == 1 ? "1 process" : fmt::format("{} processes", group.processes),
                     figure(*group.pss_bytes), figure(*group.saved_bytes));
}

std::string unshared_line(const SegmentsResult& result) {
  if (!result.group.unshared_bytes) {
    return "";
  }
  std::optional<std::int64_t> since;
  for (const SegmentsWorker& worker : result.workers) {
    if (worker.unshared_bytes && worker.in_group && worker.first_read_at_unix_us) {
      since = std::min(since.value_or(*worker.first_read_at_unix_us), *worker.first_read_at_unix_us);
    }
  }
  return fmt::format("at most {} of what workers shared with their parent at {} are theirs alone by now",
                     format_bytes(*result.group.unshared_bytes), format_clock(since.value_or(0)));
}

std::vector<LabelledLine> flow_lines(const std::vector<BlockFlow>& flows) {
  std::vector<LabelledLine> lines;
  for (std::size_t i = 0; i < std::min(flows.size(), kFlowsShown); ++i) {
    const BlockFlow& flow = flows[i];
    const std::string freer =
        flow.to_route.empty() ? "outside of requests" : "by " + endpoint_name(flow.to_method, flow.to_route, "");
    lines.push_back({i == 0 ? "flow" : "",
                     fmt::format("{} of {} ({}) freed {}", format_bytes(flow.bytes),
                                 endpoint_name(flow.from_method, flow.from_route, ""),
                                 flow.blocks == 1 ? "1 block" : format_count(flow.blocks) + " blocks", freer)});
  }
  if (flows.size() > kFlowsShown) {
    lines.push_back({"", fmt::format("{} more in --format json", format_count(flows.size() - kFlowsShown))});
  }
  return lines;
}

std::vector<LabelledLine> notes(const SegmentsResult& result) {
  std::vector<LabelledLine> lines;
  if (result.lost_flow_bytes > 0) {
    lines.push_back(
        {"note", format_bytes(result.lost_flow_bytes) + " that were freed by others are in no flow: no room"});
  }
  for (const SegmentsWorker& worker : result.workers) {
    const std::string name = process_name(worker);
    if (!worker.unread.empty()) {
      lines.push_back({"note", name + " could not be read: " + printable(worker.unread)});
    } else if (!worker.rss_bytes) {
      lines.push_back({"note", name + " ended before its memory was read"});
    } else if (!worker.in_group) {
      lines.push_back({"note", name + " had ended when the last one started: it is in no sum"});
    }
  }
  return lines;
}

std::string headline(const SegmentsResult& result) {
  const analysis::RecordingInfo& recording = result.recording;
  std::string name = printable(recording.command.substr(recording.command.find_last_of('/') + 1));
  if (name.empty()) {
    name = "service";
  }
  const std::size_t processes = result.workers.size();
  std::string text = fmt::format("{}: {}", name, processes == 1 ? "1 process" : fmt::format("{} processes", processes));
  if (!recording.python.empty()) {
    text += ", Python " + printable(recording.python);
  }
  return text + ", " + format_duration(recording.duration_seconds) + " recorded\n";
}

}  // namespace

std::string segments_text(const SegmentsResult& result, const TextStyle& style) {
  if (result.workers.empty()) {
    return "nothing recorded\n";
  }
  std::string text = headline(result) + processes_table(result, style);
  if (!result.group.segments.empty()) {
    text += kinds_table(result, style);
  }
  text += write_lines({{"sharing", sharing_line(result.group)}, {"unshared", unshared_line(result)}}, style);
  if (!result.blocks.empty()) {
    text += blocks_table(result, style);
  }
  return text + write_lines(flow_lines(result.flows), style) + write_lines(notes(result), style);
}

}  // namespace heapledger::report
