#include "report/requests_lines.h"

#include <fmt/format.h>
#include <string.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "report/printable.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::Finding;
using analysis::FindingKind;
using analysis::RequestsResult;
using analysis::WorkerCost;
using analysis::WorkerEnding;

constexpr std::size_t kNamedHolders = 3;

std::string counted(std::uint64_t count, const char* singular, const char* plural) {
  return fmt::format("{} {}", format_count(count), count == 1 ? singular : plural);
}

std::string base_name(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

std::string service_name(const RequestsResult& result) {
  std::set<std::string> servers;
  for (const WorkerCost& worker : result.workers) {
    if (!worker.server.empty()) {
      servers.insert(printable(worker.server));
    }
  }
  std::string name = printable(base_name(result.recording.command));
  if (servers.size() == 1 && *servers.begin() != name) {
    name = name.empty() ? *servers.begin() : fmt::format("{} ({})", name, *servers.begin());
  }
  return name.empty() ? "service" : name;
}

std::string numbered(const char* one, const char* several, const std::vector<std::int64_t>& numbers) {
  constexpr std::size_t kNamed = 4;
  std::string text = numbers.size() == 1 ? one : several;
  for (std::size_t i = 0; i < std::min(numbers.size(), kNamed); ++i) {
    text += (i == 0 ? " " : ", ") + std::to_string(numbers[i]);
  }
  return numbers.size() > kNamed ? fmt::format("{} and {} more", text, numbers.size() - kNamed) : text;
}

// Workers by their numbers; what keeps a ledger and serves nothing is a process.
std::string worker_list(const RequestsResult& result, const std::vector<std::int64_t>& numbers) {
  std::vector<std::int64_t> serving;
  std::vector<std::int64_t> others;
  for (const std::int64_t number : numbers) {
    const auto serves = [number](const WorkerCost& worker) { return worker.worker == number && worker.serves; };
    (std::any_of(result.workers.begin(), result.workers.end(), serves) ? serving : others).push_back(number);
  }
  std::string text = serving.empty() ? "" : numbered("worker", "workers", serving);
  if (!others.empty()) {
    text += (text.empty() ? "" : " and ") + numbered("process", "processes", others) + " (serving nothing)";
  }
  return text;
}

template <class Predicate>
std::vector<std::int64_t> workers_where(const RequestsResult& result, Predicate predicate) {
  std::vector<std::int64_t> found;
  for (const WorkerCost& worker : result.workers) {
    if (predicate(worker)) {
      found.push_back(worker.worker);
    }
  }
  return found;
}

std::vector<std::int64_t> workers_that(const RequestsResult& result, WorkerEnding ending) {
  return workers_where(result, [ending](const WorkerCost& worker) { return worker.ending == ending; });
}

std::string unbalanced(const RequestsResult& result) {
  const auto wrong = [](const WorkerCost& worker) { return worker.balanced == false; };
  const auto worst = std::find_if(result.workers.begin(), result.workers.end(), wrong);
  if (worst == result.workers.end()) {
    return "NOT BALANCED";
  }
  std::string text = "NOT BALANCED in " + worker_list(result, workers_where(result, wrong));
  if (worst->audited_live_bytes) {
    text += fmt::format(" ({}: booked {} B, walked {} B, {} off)", worker_list(result, {worst->worker}),
                        worst->live_bytes, *worst->audited_live_bytes,
                        counted(worst->audited_owner_mismatches.value_or(0), "owner", "owners"));
  }
  return text;
}

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name == nullptr ? fmt::format("signal {}", signal) : fmt::format("SIG{}", name);
}

// How workers without an audit ended: what follows "worker 1" or "workers 1, 2".
std::string described(WorkerEnding ending, std::optional<int> signal, bool several) {
  const char* was = several ? "were" : "was";
  switch (ending) {
    case WorkerEnding::kStopped:
      return signal ? fmt::format("{} ended by {}", was, signal_name(*signal)) : "left without closing the books";
    case WorkerEnding::kDied:
      return signal ? fmt::format("{} killed by {}", was, signal_name(*signal)) : "ended without a last word";
    case WorkerEnding::kDisplaced:
      return "lost the hooks";
    default:
      return "still running when last read";
  }
}

std::string not_audited(const RequestsResult& result) {
  std::map<std::pair<WorkerEnding, std::optional<int>>, std::vector<std::int64_t>> groups;
  bool all_stopped = true;
  for (const WorkerCost& worker : result.workers) {
    if (worker.ending == WorkerEnding::kFrozen) {
      continue;
    }
    groups[{worker.ending, worker.end_signal}].push_back(worker.worker);
    all_stopped = all_stopped && worker.ending == WorkerEnding::kStopped;
  }
  std::string text;
  for (const auto& [how, workers] : groups) {
    text += fmt::format("{}{} {}", text.empty() ? "" : "; ", worker_list(result, workers),
                        described(how.first, how.second, workers.size() > 1));
  }
  if (result.accounting.workers_without_ledger > 0 || result.accounting.run_folder_lost) {
    text += text.empty() ? "some processes kept none" : "; some processes kept none";
    all_stopped = false;
  }
  if (text.empty()) {
    return "not audited";
  }
  return (all_stopped ? "as they stood when " : "not audited: ") + text;
}

}  // namespace

std::string how_it_stands(analysis::RecordingState state) {
  switch (state) {
    case analysis::RecordingState::kBeingWritten:
      return "the recording is still being written";
    case analysis::RecordingState::kCollectorKilled:
      return "the recording was not closed: its collector was killed, and what it had not read yet is missing";
    case analysis::RecordingState::kCutShort:
      return "the recording is not complete: its collector was killed, or could not write on";
    case analysis::RecordingState::kNotClosed:
      return "the recording was not closed: still being written, or its collector was killed";
    case analysis::RecordingState::kClosed:
      break;
  }
  return "";
}

std::string version_beside(const std::string& route, const std::string& version) {
  const bool said = (route + "/").find("/" + version + "/") != std::string::npos;
  return said ? "" : printable(version);
}

std::string endpoint_name(const std::string& method, const std::string& route, const std::string& version) {
  if (route.empty()) {
    return "a request without a route yet";
  }
  const std::string name = printable(method) + " " + printable(route);
  const std::string beside = version_beside(route, version);
  return beside.empty() ? name : name + " (" + beside + ")";
}

std::string headline(const RequestsResult& result) {
  const analysis::RecordingInfo& recording = result.recording;
  std::string text = fmt::format("{}: {}", service_name(result), counted(recording.worker_count, "worker", "workers"));
  if (!recording.python.empty()) {
    text += ", Python " + printable(recording.python);
  }
  text += ", " + printable(recording.mode) + (recording.native ? "" : " (Python's memory only)");
  const std::string requests = counted(result.recorded_requests, "request", "requests");
  text += result.requests == result.recorded_requests
              ? ", " + requests
              : fmt::format(", {} of {}", format_count(result.requests), requests);
  return text + " in " + format_duration(recording.duration_seconds);
}

std::string books_line(const RequestsResult& result) {
  const analysis::Accounting& books = result.accounting;
  std::string text = "balanced";
  if (!books.balanced) {
    text = not_audited(result);
  } else if (!*books.balanced) {
    text = unbalanced(result);
  }
  if (books.allocated_bytes != 0) {
    const double outside = static_cast<double>(books.unattributed_bytes) / static_cast<double>(books.allocated_bytes);
    text += fmt::format("; {} outside requests", format_percent(outside));
  }
  text += fmt::format("; {} dropped", format_count(books.dropped_requests));
  if (books.books_behind_seconds) {
    text += fmt::format("; as of {} before the latest request", format_duration(*books.books_behind_seconds));
  }
  return text;
}

std::string memory_line(const analysis::MemoryUse& memory) {
  if (!memory.rss_bytes || !memory.live_bytes) {
    return "";
  }
  const ByteUnit unit = byte_unit_for(*memory.rss_bytes);
  const auto figure = [unit](double bytes) { return format_in(unit, bytes); };
  std::string text = fmt::format("RSS {} {} = live {}", figure(static_cast<double>(*memory.rss_bytes)), unit.name,
                                 figure(static_cast<double>(*memory.live_bytes)));
  if (memory.native_live_bytes) {
    text += fmt::format(" (native {})", figure(static_cast<double>(*memory.native_live_bytes)));
  }
  if (memory.allocator_retained_bytes) {
    text += " + kept by allocator " + figure(static_cast<double>(*memory.allocator_retained_bytes));
  }
  if (memory.other_bytes) {
    const auto other = static_cast<double>(*memory.other_bytes);
    text += other < 0 ? " - booked but not resident " + figure(-other) : " + other " + figure(other);
  } else {
    text += " + other";
  }
  if (memory.heapledger_bytes) {
    text += " + heapledger " + figure(static_cast<double>(*memory.heapledger_bytes));
  }
  return memory.processes == 1 ? text : fmt::format("{} ({} processes)", text, memory.processes);
}

std::string peak_line(const RequestsResult& result) {
  if (result.peaks.empty()) {
    return result.peak_outside_unix_us
               ? fmt::format("outside of the chosen time, at {}", format_iso_time(*result.peak_outside_unix_us))
               : "";
  }
  const analysis::Peak& peak = result.peaks.front();
  const ByteUnit unit = byte_unit_for(peak.live_bytes);
  std::string text =
      fmt::format("{}, {} in, {}: {} {}", format_clock(peak.at_unix_us), format_duration(peak.after_start_seconds),
                  worker_list(result, {peak.worker}), format_in(unit, static_cast<double>(peak.live_bytes)), unit.name);
  if (peak.in_flight_requests == 0) {
    return text + ", no request in flight";
  }
  const std::string nothing = format_in(unit, 0);
  std::size_t named = 0;
  for (; named < std::min(peak.by_endpoint.size(), kNamedHolders); ++named) {
    const analysis::HolderGroup& group = peak.by_endpoint[named];
    const std::string held = format_in(unit, static_cast<double>(group.live_bytes));
    if (held == nothing) {
      break;  // the largest come first
    }
    text += fmt::format(", {} {}in {} x {}", held, named == 0 ? "of it " : "", format_count(group.requests),
                        endpoint_name(group.method, group.route, group.version));
  }
  if (peak.outside_bytes) {
    text += fmt::format(", {} outside requests", format_in(unit, static_cast<double>(*peak.outside_bytes)));
  }
  const bool all_named = peak.by_endpoint.size() == named && peak.in_flight.size() == peak.in_flight_requests;
  return all_named ? text : text + fmt::format(" ({} in flight)", format_count(peak.in_flight_requests));
}

std::vector<LabelledLine> finding_lines(const RequestsResult& result, std::size_t shown) {
  std::vector<LabelledLine> lines;
  for (std::size_t i = 0; i < shown; ++i) {
    std::string facts;
    for (const Finding& finding : result.findings) {
      if (finding.endpoint != i) {
        continue;
      }
      facts += facts.empty() ? "" : "; ";
      if (finding.kind == FindingKind::kKeeps) {
        facts += fmt::format("keeps {} a request, {} by now", format_bytes(finding.bytes),
                             format_bytes(finding.total_bytes));
      } else if (finding.kind == FindingKind::kPeak) {
        facts += fmt::format("held {} of the {} peak", format_bytes(finding.bytes), format_bytes(finding.total_bytes));
      } else {
        facts += format_percent(finding.ratio) + " of all byte-seconds";
      }
    }
    if (!facts.empty()) {
      const analysis::EndpointCost& endpoint = result.endpoints[i];
      lines.push_back({"!", endpoint_name(endpoint.method, endpoint.route, endpoint.version) + ": " + facts});
    }
  }
  return lines;
}

namespace {

// What the books could not follow.
void add_book_notes(const analysis::Accounting& books, std::vector<LabelledLine>& lines) {
  const auto add = [&lines](const std::string& text) { lines.push_back({"note", text}); };
  if (books.workers_without_ledger != 0) {
    add(counted(books.workers_without_ledger, "worker", "workers") +
        " had no room for a ledger: their requests are in no figure");
  }
  if (books.run_folder_lost) {
    add("the run folder was removed while it was in use: workers that started then are in no figure");
  }
  if (books.approximate_requests != 0) {
    add(counted(books.approximate_requests, "request is", "requests are") +
        " approximate: more were in flight than there are owner slots");
  }
  if (books.folded_endpoints != 0) {
    add(counted(books.folded_endpoints, "request is", "requests are") +
        " booked under <other>: the table of endpoints was full");
  }
  if (books.untracked_blocks != 0) {
    add(counted(books.untracked_blocks, "block is", "blocks are") + " in no figure: no room in the block map");
  }
  if (books.lost_frees != 0) {
    add(counted(books.lost_frees, "free was", "frees were") +
        " not seen until another block took the place: live figures are approximate");
  }
}

void add_unseen_packages(const std::vector<std::string>& names, std::vector<LabelledLine>& lines) {
  if (names.empty()) return;
  std::string packages;
  for (const std::string& name : names) packages += (packages.empty() ? "" : ", ") + printable(name);
  lines.push_back(
      {"unseen", packages + ": allocators of their own; what they hold is in \"other\", and in no request"});
}

}  // namespace

std::string nothing_recorded(const std::vector<analysis::UnmatchedOption>& unmatched) {
  return unmatched.empty() ? "nothing recorded\n" : "nothing recorded for these options\n";
}

std::vector<std::string> unmatched_lines(const std::vector<analysis::UnmatchedOption>& options) {
  std::vector<std::string> lines;
  for (const analysis::UnmatchedOption& option : options) {
    const std::string meant = option.nearest.empty() ? "nothing is near it" : "nearest: " + printable(option.nearest);
    lines.push_back(fmt::format("no {} {} in this recording; {}", option.option, printable(option.value), meant));
  }
  return lines;
}

std::vector<LabelledLine> caution_lines(const RequestsResult& result) {
  std::vector<LabelledLine> lines;
  const auto add = [&lines](const char* label, const std::string& text) { lines.push_back({label, text}); };
  for (const std::string& line : unmatched_lines(result.unmatched)) {
    add("note", line);
  }
  if (result.in_flight_at_end != 0) {
    add("open",
        counted(result.in_flight_at_end, "request was", "requests were") + " in flight at the end, in no line above");
  }
  if (result.folded) {
    add("folded", fmt::format("{} before {} kept as histograms: percentiles within {}, the rest exact",
                              counted(result.folded->requests, "request", "requests"),
                              format_iso_time(result.folded->single_requests_since_unix_us),
                              format_percent(result.folded->percentile_error_ratio)));
    if (result.folded->requests_left_out != 0) {
      add("folded", counted(result.folded->requests_left_out, "request", "requests") +
                        " left out: these options cut through what was folded");
    }
  }
  add_book_notes(result.accounting, lines);
  add_unseen_packages(result.memory.unseen_packages, lines);
  if (const auto displaced = workers_that(result, WorkerEnding::kDisplaced); !displaced.empty()) {
    add("note", worker_list(result, displaced) + ": something removed the hooks; figures from then on are wrong");
  }
  add("note", how_it_stands(result.recording.state));
  return lines;
}

}  // namespace heapledger::report
