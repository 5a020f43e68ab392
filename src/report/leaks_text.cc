#include "report/leaks_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "report/code_lines.h"
#include "report/leaks_json.h"
#include "report/leaks_words.h"
#include "report/printable.h"
#include "report/requests_lines.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::LeakFinding;
using analysis::LeaksResult;
using analysis::LeakVerdict;

constexpr std::size_t kLabelWidth = 9;
constexpr std::size_t kShownSites = 3;
constexpr double kShownShare = 0.05;
constexpr std::uint64_t kFewSamples = 10;

const char* label_of(LeakVerdict verdict) {
  switch (verdict) {
    case LeakVerdict::kLeak:
      return "LEAK";
    case LeakVerdict::kGrowing:
      return "GROWING";
    case LeakVerdict::kCache:
      return "CACHE";
    case LeakVerdict::kWarmup:
      return "WARMUP";
    case LeakVerdict::kNone:
      return "CLEAN";
    case LeakVerdict::kUnknown:
      break;
  }
  return "UNKNOWN";
}

std::string line(const std::string& label, const std::string& text, const TextStyle& style, const char* colour) {
  const std::string padding(label.size() < kLabelWidth ? kLabelWidth - label.size() : 1, ' ');
  const bool coloured = style.colour && *colour != '\0';
  return (coloured ? colour + label + "\x1b[0m" : label) + padding + text + "\n";
}

std::string detail(const char* label, const std::string& text, const TextStyle& style) {
  return line(std::string("  ") + label, text, style, *label == '\0' ? "" : "\x1b[2m");
}

std::string site_text(const analysis::LeakSite& site, const std::string& common) {
  std::string text = code_line(site.stack, common) + "   " + format_percent(site.share_ratio);
  return site.samples < kFewSamples ? text + fmt::format(" ({} sample{})", site.samples, site.samples == 1 ? "" : "s")
                                    : text;
}

std::string sites_text(const LeakFinding& finding, const std::string& common, const TextStyle& style) {
  if (finding.sites.empty()) {
    return detail("line", "not known: none of its blocks that live was sampled", style);
  }
  std::string text;
  for (std::size_t i = 0; i < std::min(finding.sites.size(), kShownSites); ++i) {
    if (i == 0 || finding.sites[i].share_ratio >= kShownShare) {
      text += detail(i == 0 ? "line" : "", site_text(finding.sites[i], common), style);
    }
  }
  return text;
}

std::string finding_text(const LeaksResult& result, const LeakFinding& finding, const std::string& common,
                         const TextStyle& style) {
  const char* colour = finding.verdict == LeakVerdict::kLeak      ? "\x1b[31m"
                       : finding.verdict == LeakVerdict::kGrowing ? "\x1b[33m"
                                                                  : "";
  std::string text =
      line(label_of(finding.verdict),
           endpoint_name(finding.method, finding.route, finding.version) + ": " + leak_figures(finding), style, colour);
  if (finding.verdict == LeakVerdict::kLeak) {
    text += detail("limit", limit_words(result, finding), style);
  }
  if (finding.verdict == LeakVerdict::kLeak || finding.verdict == LeakVerdict::kGrowing) {
    text += sites_text(finding, common, style);
    text += detail("why", leak_reason(finding), style);
  }
  return text;
}

std::string clean_text(const LeaksResult& result, const TextStyle& style) {
  std::uint64_t clean = 0;
  std::uint64_t smallest = 0;
  for (const LeakFinding& finding : result.findings) {
    if (finding.verdict == LeakVerdict::kNone) {
      ++clean;
      smallest = std::max(smallest, finding.smallest_leak_bytes.value_or(0));
    }
  }
  if (clean == 0) {
    return "";
  }
  return line("CLEAN",
              fmt::format("{} endpoint{}; smallest leak this recording would show: {} a request", format_count(clean),
                          clean == 1 ? "" : "s", format_bytes(smallest)),
              style, "");
}

std::string notes(const LeaksResult& result, const TextStyle& style) {
  std::string text;
  for (const std::string& unmatched : unmatched_lines(result.unmatched)) {
    text += line("note", unmatched, style, "\x1b[2m");
  }
  if (result.lost_survivor_bytes > 0) {
    text += line("note",
                 format_bytes(result.lost_survivor_bytes) + " that outlived their requests are in no figure: no room",
                 style, "\x1b[2m");
  }
  if (result.lost_samples > 0) {
    text += line("note",
                 fmt::format("{} sampled block{} lost: lines may be missing", format_count(result.lost_samples),
                             result.lost_samples == 1 ? " was" : "s were"),
                 style, "\x1b[2m");
  }
  const std::string state = how_it_stands(result.recording.state);
  return state.empty() ? text : text + line("note", state, style, "\x1b[2m");
}

}  // namespace

std::string leaks_text(const LeaksResult& result, const TextStyle& style) {
  if (result.findings.empty()) {
    return nothing_recorded(result.unmatched) + notes(result, style);
  }
  std::vector<const analysis::CodeStack*> stacks;
  for (const LeakFinding& finding : result.findings) {
    for (const analysis::LeakSite& site : finding.sites) {
      stacks.push_back(&site.stack);
    }
  }
  const std::string common = common_folder(stacks);
  const std::size_t shown = shown_findings(result, analysis::kTextLimit);
  std::string text;
  std::string unknown;
  std::size_t told = 0;
  std::size_t left_out = 0;
  for (const LeakFinding& finding : result.findings) {
    if (finding.verdict == LeakVerdict::kNone) {
      continue;
    }
    if (told == shown) {
      ++left_out;
      continue;
    }
    ++told;
    std::string& part = finding.verdict == LeakVerdict::kUnknown ? unknown : text;
    part += finding_text(result, finding, common, style);
  }
  text += clean_text(result, style) + unknown;
  if (left_out > 0) {
    text += fmt::format("({} more: --limit 0)\n", format_count(left_out));
  }
  return text + notes(result, style);
}

}  // namespace heapledger::report
