#include "report/versions_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/row_arithmetic.h"
#include "report/leaks_words.h"
#include "report/printable.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::VersionGrounds;
using analysis::VersionMetric;
using analysis::VersionPair;
using analysis::VersionVerdict;

constexpr double kLargestCount = 9e18;

std::string ratio_text(double ratio) { return fmt::format("{:.2f}x", ratio); }

std::string needs(const std::optional<std::uint64_t>& requests) {
  return requests ? fmt::format("needs about {} requests of both versions", about_count(static_cast<double>(*requests)))
                  : "";
}

std::string with_interval(const VersionMetric& metric) {
  if (!metric.ratio || !metric.interval) {
    return "";
  }
  return fmt::format("{} ({:.2f} to {:.2f})", ratio_text(*metric.ratio), metric.interval->low, metric.interval->high);
}

// "peak bytes 1.30x (1.27 to 1.33)" for every figure with the pair's verdict that decides.
std::string deciding_figures(const VersionPair& pair) {
  std::string text;
  for (const VersionMetric& metric : pair.metrics) {
    if (metric.decides && metric.verdict == pair.verdict) {
      const std::string figure = with_interval(metric);
      text += (text.empty() ? "" : ", ") + figure_words(metric.name) + (figure.empty() ? "" : " " + figure);
      if (figure.empty() && metric.name == "retained_bytes" && metric.from && metric.to) {
        text += fmt::format(" {} a request, was {}", format_bytes(analysis::rounded_count(*metric.to)),
                            format_bytes(analysis::rounded_count(*metric.from)));
      }
    }
  }
  return text;
}

std::string payload_words(const VersionPair& pair) {
  const std::string& by = pair.payload_matched.by;
  if (by.empty()) {
    return "";
  }
  return by == "received_bytes" ? ", bodies of one size compared" : ", replies of one size compared";
}

}  // namespace

std::string risk_reason(const analysis::VersionsResult& result, const std::optional<analysis::MigrationRisk>& risk) {
  switch (result.risk_missing) {
    case analysis::VersionRiskMissing::kNoLimit:
      return "no memory limit is known: --memory-limit 512MiB";
    case analysis::VersionRiskMissing::kNoHeadroom:
      return "what the idle service takes is not known, or leaves nothing of the limit";
    case analysis::VersionRiskMissing::kNothing:
      break;
  }
  return risk ? "" : "one of the versions has no requests";
}

std::string risk_words(const analysis::MigrationRisk& risk) {
  constexpr double kHardlyEver = 1e-6;
  if (risk.now_interval.high < kHardlyEver && risk.migrated_interval.high < kHardlyEver) {
    return "less than once in a million days, now and once migrated";
  }
  return fmt::format("{:.2g} ({:.2g} to {:.2g}) a day now, {:.2g} ({:.2g} to {:.2g}) once migrated", risk.now_per_day,
                     risk.now_interval.low, risk.now_interval.high, risk.migrated_per_day, risk.migrated_interval.low,
                     risk.migrated_interval.high);
}

std::string figure_words(const std::string& name) {
  std::string words = name;
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

std::string metric_reason(const VersionMetric& metric) {
  switch (metric.grounds) {
    case VersionGrounds::kTooFewRequests:
      return "too few requests" + (metric.requests_needed ? ", " + needs(metric.requests_needed) : "");
    case VersionGrounds::kTooUneven:
      return "no difference shown, none ruled out: " + with_interval(metric) + ", " + needs(metric.requests_needed);
    case VersionGrounds::kDifferentPayloads:
      return "the versions got bodies of different sizes";
    case VersionGrounds::kNotFollowed:
      return "what outlives requests is not clear";
    case VersionGrounds::kMeasured:
      break;
  }
  return metric.verdict == VersionVerdict::kSame ? "shown to be within 5 %" : with_interval(metric);
}

std::string pair_reason(const VersionPair& pair) {
  if (pair.verdict == VersionVerdict::kInconclusive) {
    for (const VersionMetric& metric : pair.metrics) {
      if (metric.grounds == pair.grounds) {
        VersionMetric lacking = metric;
        lacking.requests_needed = pair.requests_needed ? pair.requests_needed : metric.requests_needed;
        return metric_reason(lacking);
      }
    }
    return "nothing is shown";
  }
  return deciding_figures(pair) + payload_words(pair);
}

std::string change_text(const VersionMetric& metric) {
  const bool shown = metric.verdict == VersionVerdict::kRegression || metric.verdict == VersionVerdict::kImprovement;
  if (shown && metric.ratio) {
    return ratio_text(*metric.ratio);
  }
  if (shown) {
    return metric.verdict == VersionVerdict::kRegression ? "new" : "gone";
  }
  return metric.verdict == VersionVerdict::kSame ? "same" : "~";
}

std::string pair_name(const std::string& method, const std::string& route, const std::string& from,
                      const std::string& to) {
  const auto version = [](const std::string& name) { return name.empty() ? "none" : printable(name); };
  return fmt::format("{} {}  {} -> {}", printable(method), printable(route), version(from), version(to));
}

std::string signed_bytes(double bytes) {
  return (bytes < 0 ? "-" : "+") + format_bytes(analysis::rounded_count(std::abs(bytes)));
}

std::int64_t signed_count(double value) {
  return std::isfinite(value) ? std::llround(std::clamp(value, -kLargestCount, kLargestCount)) : 0;
}

}  // namespace heapledger::report
