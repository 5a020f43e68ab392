#include "report/interference_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "analysis/row_arithmetic.h"
#include "report/requests_lines.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::EndpointPair;
using analysis::PairGrounds;

constexpr std::size_t kNamedHolders = 4;
constexpr std::size_t kNamedPairs = 3;

std::string signed_bytes(double bytes) {
  return (bytes < 0 ? "-" : "+") + format_bytes(analysis::rounded_count(std::abs(bytes)));
}

std::string group_words(const analysis::HolderGroup& group) {
  const std::string name =
      group.route.empty() ? "requests without a route yet" : endpoint_name(group.method, group.route, group.version);
  return fmt::format("{} in {} x {}", format_bytes(group.live_bytes), format_count(group.requests), name);
}

}  // namespace

std::string missing_comparison(const EndpointPair& pair) {
  switch (pair.grounds) {
    case PairGrounds::kKnown:
      break;
    case PairGrounds::kTooFewRequests:
      return fmt::format("{} of {} requests beside it, needs about {} requests", format_count(pair.requests_beside),
                         format_count(pair.requests), format_count(pair.requests_needed.value_or(0)));
    case PairGrounds::kAlwaysBeside:
      return "always beside it: nothing to compare with";
    case PairGrounds::kNeverBoth:
      return "not both beside it and apart from it within one stretch of requests";
  }
  return "";
}

std::string moment_words(const analysis::Peak& moment) {
  std::string text =
      fmt::format("{}, worker {}: {}", format_clock(moment.at_unix_us), moment.worker, format_bytes(moment.live_bytes));
  const std::size_t named = std::min(moment.by_endpoint.size(), kNamedHolders);
  for (std::size_t i = 0; i < named; ++i) {
    text += ", " + group_words(moment.by_endpoint[i]);
  }
  if (named < moment.by_endpoint.size()) {
    text += fmt::format(", {} more endpoints", moment.by_endpoint.size() - named);
  }
  return moment.outside_bytes ? text + fmt::format(", {} outside requests", format_bytes(*moment.outside_bytes)) : text;
}

std::string together_words(const analysis::InterferenceResult& result) {
  std::vector<const EndpointPair*> met;
  for (const EndpointPair& pair : result.pairs) {
    const auto name = [](const analysis::EndpointId& id) { return std::tie(id.route, id.method, id.version); };
    const auto same = [&](const EndpointPair* other) {
      return name(other->endpoint) == name(pair.beside) && name(other->beside) == name(pair.endpoint);
    };
    if (pair.highest_together > 0 && std::none_of(met.begin(), met.end(), same)) met.push_back(&pair);
  }
  std::stable_sort(met.begin(), met.end(), [](const EndpointPair* left, const EndpointPair* right) {
    return left->highest_together > right->highest_together;
  });
  std::string text;
  for (std::size_t i = 0; i < std::min(met.size(), kNamedPairs); ++i) {
    const auto name = [](const analysis::EndpointId& id) { return endpoint_name(id.method, id.route, id.version); };
    text += fmt::format("{}{} {} with {}", i == 0 ? "" : ", ", met[i]->highest_together, name(met[i]->endpoint),
                        name(met[i]->beside));
  }
  return text.empty() ? text
                      : fmt::format("of the {} highest moments of all requests: {}", result.highest.size(), text);
}

std::string duration_words(const EndpointPair& pair) {
  if (!pair.duration || !pair.duration->shown) {
    return "~";
  }
  const analysis::DurationDifference& duration = *pair.duration;
  return fmt::format("{:.2f}x ({:.2f} to {:.2f})", duration.ratio, duration.low, duration.high);
}

std::string peak_words(const EndpointPair& pair) {
  if (!pair.peak || !pair.peak->shown) {
    return "~";
  }
  return fmt::format("{} ({} to {})", signed_bytes(pair.peak->bytes), signed_bytes(pair.peak->low),
                     signed_bytes(pair.peak->high));
}

}  // namespace heapledger::report
