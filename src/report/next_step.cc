#include "report/next_step.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/printable.h"
#include "report/requests_lines.h"

namespace heapledger::report {
namespace {

using analysis::Finding;
using analysis::FindingKind;
using analysis::RequestsResult;

const Finding* first_of(const RequestsResult& result, FindingKind kind) {
  const auto found = std::find_if(result.findings.begin(), result.findings.end(),
                                  [kind](const Finding& finding) { return finding.kind == kind; });
  return found == result.findings.end() ? nullptr : &*found;
}

// The endpoint whose requests together hold most.
const Finding* largest_kept(const RequestsResult& result) {
  const Finding* largest = nullptr;
  for (const Finding& finding : result.findings) {
    const bool larger = largest == nullptr || finding.total_bytes > largest->total_bytes;
    largest = finding.kind == FindingKind::kKeeps && larger ? &finding : largest;
  }
  return largest;
}

// What is not printable cannot be copied either: such a name is left out of a command.
std::string flag_for(const char* flag, const std::string& value) {
  return printable(value) == value && !value.empty() ? fmt::format(" {} {}", flag, shell_quoted(value)) : "";
}

std::string command(std::string_view verb, const RequestsResult& result) {
  const std::string& path = result.recording.path;
  const bool usual = path == "heapledger.db" || path == "./heapledger.db" || printable(path) != path;
  return fmt::format("heapledger {}{}", verb, usual ? "" : " " + shell_quoted(path));
}

}  // namespace

bool has_verb(std::string_view verb) { return std::find(kVerbs.begin(), kVerbs.end(), verb) != kVerbs.end(); }

std::vector<std::string> next_step_after_requests(const RequestsResult& result, bool after_run) {
  if (const Finding* keeps = largest_kept(result)) {
    const analysis::EndpointCost& endpoint = result.endpoints[keeps->endpoint];
    const std::string name = endpoint_name(endpoint.method, endpoint.route, endpoint.version);
    if (has_verb("leaks")) {
      return {fmt::format("what does {} keep?", name), command("leaks", result) + flag_for("--route", endpoint.route)};
    }
    std::vector<std::string> lines{name + " leaves memory behind: look for globals, caches and lists that it adds to"};
    if (after_run) {
      lines.push_back(command("requests", result));
    }
    return lines;
  }
  if (after_run) {
    return {command("requests", result)};
  }
  const Finding* costly = first_of(result, FindingKind::kCost);
  costly = costly == nullptr ? first_of(result, FindingKind::kPeak) : costly;
  if (costly == nullptr) {
    return {"every figure of every endpoint: " + command("requests", result) + " --format json"};
  }
  const analysis::EndpointCost& endpoint = result.endpoints[costly->endpoint];
  return {fmt::format("every figure of {}: {}{} --format json",
                      endpoint_name(endpoint.method, endpoint.route, endpoint.version), command("requests", result),
                      flag_for("--route", endpoint.route))};
}

}  // namespace heapledger::report
