#include "report/payloads_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/row_arithmetic.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using namespace analysis;

constexpr std::uint64_t kLeastSpread = 1024;
constexpr std::uint64_t kWorthSaving = 64 * 1024;  // a piece of a stream: less is not worth a word

std::string signed_bytes(double bytes) {
  const std::string text = format_bytes(rounded_count(std::abs(bytes)));
  return bytes <= -0.5 ? "-" + text : text;
}

std::string about_bytes(double bytes) { return format_bytes(rounded_count(bytes)); }

std::string reason_for(ModelGap gap, std::uint64_t needed) {
  switch (gap) {
    case ModelGap::kTooFewRequests:
      return fmt::format("needs {} requests that ended well", format_count(needed));
    case ModelGap::kSameSize:
      return "sizes differ too little: needs bodies whose sizes differ by 1.0 KiB or more";
    case ModelGap::kMovesTogether:
      return "request and response sizes move together: needs requests in which they do not";
    case ModelGap::kUnsettled:
      return "too few bodies differ in size from the others: needs more that do";
    case ModelGap::kNone:
      break;
  }
  return "";
}

std::string spread_words(std::uint64_t spread_bytes) {
  if (spread_bytes == 0) {
    return "all have one size; sizes that differ by 1.0 KiB or more would show what a byte costs";
  }
  const std::string found = "sizes differ by only " + format_bytes(spread_bytes);
  return spread_bytes < kLeastSpread ? found + "; 1.0 KiB or more would show what a byte costs"
                                     : found + ", too little beside the other direction's to show what a byte costs";
}

// Of ends that read the same the distance says more.
std::string interval_words(double low, double middle, double high) {
  if (about_bytes(low) != about_bytes(high)) {
    return fmt::format("({} to {})", about_bytes(low), about_bytes(high));
  }
  return fmt::format("(give or take {})", about_bytes(std::max(high - middle, middle - low)));
}

bool is_small(const PayloadDirection& direction) { return direction.size_bytes.max < kWorthSaving; }

bool is_held(const PayloadDirection& direction) {
  return (direction.mode == PayloadMode::kBuffered || direction.mode == PayloadMode::kMixed) && !is_small(direction);
}

std::string sizes_at_tail(const PayloadDirection& direction) {
  return direction.size_bytes.p99 ? format_bytes(*direction.size_bytes.p99) : "?";
}

std::string part_words(const PayloadDirection& direction, const char* bodies) {
  const std::string verb = direction.mode == PayloadMode::kStreamed ? "streams"
                           : direction.mode == PayloadMode::kMixed  ? "holds some of"
                                                                    : "holds";
  std::string text = fmt::format("{} its {}", verb, bodies);
  if (direction.held_ratio) {
    text += fmt::format(" ({} a byte)", ratio_text(*direction.held_ratio));
  }
  return text;
}

// Both directions, or those of which it is said what streaming saves.
template <class Predicate>
std::string name_directions(const EndpointPayloads& endpoint, Predicate counts) {
  std::string text;
  if (counts(endpoint.request)) {
    text += fmt::format("request bodies of {}", sizes_at_tail(endpoint.request));
  }
  if (counts(endpoint.response)) {
    text += fmt::format("{}responses of {}", text.empty() ? "" : " and ", sizes_at_tail(endpoint.response));
  }
  return text;
}

std::string saving_words(const EndpointPayloads& endpoint) {
  const StreamingCost& streaming = endpoint.streaming;
  if (is_small(endpoint.request) && is_small(endpoint.response)) {
    return "all are smaller than a stream's piece of 64 KiB: nothing to stream";
  }
  if (streaming.requests_needed > 0) {
    return fmt::format("what streaming saves at p99 needs {} requests", format_count(streaming.requests_needed));
  }
  if (!streaming.saves_bytes) {
    return "what streaming saves is not known without a model";
  }
  const std::string saved = format_bytes(*streaming.saves_bytes);
  if (streaming.saved_already) {
    const std::string bodies = name_directions(
        endpoint, [](const PayloadDirection& d) { return d.mode == PayloadMode::kStreamed && d.held_ratio; });
    return fmt::format("saves {} of a request at p99, {}", saved, bodies);
  }
  if (*streaming.saves_bytes < kWorthSaving) {
    return fmt::format("streaming would save next to nothing at p99 ({})", saved);
  }
  const std::string bodies =
      name_directions(endpoint, [](const PayloadDirection& d) { return is_held(d) && d.held_ratio; });
  const auto& need = endpoint.requirement.p99_bytes;
  const std::string of = need && *need >= *streaming.saves_bytes ? " of " + format_bytes(*need) : "";
  return fmt::format("streaming would save up to {}{} at p99, {}", saved, of, bodies);
}

}  // namespace

std::string ratio_text(double ratio) {
  const double shown = std::abs(ratio) < 0.005 ? 0 : ratio;
  return fmt::format("{:.{}f}", shown, std::abs(shown) < 9.995 ? 2 : 1);
}

std::string model_reason(const PayloadDirection& direction, BodyDirection /*name*/) {
  const PayloadModel& model = direction.model;
  if (model.gap == ModelGap::kNone) {
    return "";
  }
  if (direction.with_body == 0) {
    return "no bodies";
  }
  if (model.gap == ModelGap::kSameSize) {
    return spread_words(model.size_spread_bytes);
  }
  return reason_for(model.gap, model.requests_needed);
}

std::string type_reason(const ContentTypeCost& type) {
  return type.amplification_ratio ? "" : reason_for(type.gap, type.requests_needed);
}

std::string model_words(const PayloadDirection& direction, BodyDirection name) {
  const PayloadModel& model = direction.model;
  if (!model.amplification_ratio || !model.base_bytes || !model.amplification_ratio_interval) {
    return model_reason(direction, name);
  }
  std::string text = fmt::format(
      "peak {} + {} x size ({} to {})", signed_bytes(*model.base_bytes), ratio_text(*model.amplification_ratio),
      ratio_text(model.amplification_ratio_interval->low), ratio_text(model.amplification_ratio_interval->high));
  if (model.linear && !*model.linear) {
    text += ", not a straight line";
  }
  return text;
}

std::string streaming_verdict(const EndpointPayloads& endpoint) {
  std::string text;
  const bool all_small = is_small(endpoint.request) && is_small(endpoint.response);
  if (endpoint.request.mode != PayloadMode::kNone && (all_small || !is_small(endpoint.request))) {
    text += part_words(endpoint.request, "request bodies");
  }
  if (endpoint.response.mode != PayloadMode::kNone && (all_small || !is_small(endpoint.response))) {
    text += (text.empty() ? "" : ", ") + part_words(endpoint.response, "responses");
  }
  return text.empty() ? "no bodies either way" : text + "; " + saving_words(endpoint);
}

std::string requirement_words(const PayloadRequirement& need) {
  return fmt::format("p50 {}, p95 {}, {}largest {}{}", format_bytes(need.p50_bytes), format_bytes(need.p95_bytes),
                     need.p99_bytes ? "p99 " + format_bytes(*need.p99_bytes) + ", " : "",
                     format_bytes(need.largest_bytes),
                     need.basis == RequirementBasis::kModel ? "" : " (peaks as recorded, no model)");
}

std::string limit_words(const EndpointPayloads& endpoint) {
  if (endpoint.request.with_body == 0) {
    return "";
  }
  const BodyLimit& limit = endpoint.body_limit;
  std::string text = !limit.known ? "not known" : limit.limit_bytes ? format_bytes(*limit.limit_bytes) : "none";
  text += limit.setting.empty() ? "" : " (" + limit.setting + ")";
  text += limit.differs ? ", less in some workers" : "";
  if (endpoint.large_body) {
    const LargeBody& body = *endpoint.large_body;
    text += fmt::format("; one body of 100 MB would need {} {}", about_bytes(body.peak_bytes),
                        interval_words(body.low_bytes, body.peak_bytes, body.high_bytes));
    text += body.times_largest > 1
                ? fmt::format(" if the line goes on to {} times the largest recorded", ratio_text(body.times_largest))
                : "";
  }
  return text;
}

}  // namespace heapledger::report
