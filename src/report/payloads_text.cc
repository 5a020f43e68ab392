#include "report/payloads_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/labelled_lines.h"
#include "report/payloads_json.h"
#include "report/payloads_words.h"
#include "report/printable.h"
#include "report/requests_lines.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using namespace analysis;

constexpr std::size_t kShownTypes = 4;
constexpr double kShownShare = 0.01;
constexpr double kWholePeak = 0.995;

bool has_bodies(const EndpointPayloads& endpoint) {
  return endpoint.request.with_body > 0 || endpoint.response.with_body > 0;
}

std::string direction_words(const PayloadDirection& direction, BodyDirection name) {
  if (direction.mode == PayloadMode::kNone) {
    return "";
  }
  const IntegerDistribution& size = direction.size_bytes;
  return fmt::format("{}, p50 {}, {}max {}; {}", name_of(direction.mode), format_bytes(size.p50),
                     size.p99 ? "p99 " + format_bytes(*size.p99) + ", " : "", format_bytes(size.max),
                     model_words(direction, name));
}

std::string type_words(const ContentTypeCost& type, bool with_unknown) {
  std::string text = type.content_type.empty() ? "no type" : printable(type.content_type);
  text += type.content_encoding.empty() ? "" : " " + printable(type.content_encoding);
  text += type.amplification_ratio ? " " + ratio_text(*type.amplification_ratio) + " a byte" : "";
  return fmt::format("{} ({}, {}{})", text, name_of(type.direction), format_count(type.requests),
                     with_unknown && !type.amplification_ratio ? ", cost unknown" : "");
}

std::string types_words(const EndpointPayloads& endpoint) {
  std::string text;
  const bool any_known = std::any_of(endpoint.content_types.begin(), endpoint.content_types.end(),
                                     [](const ContentTypeCost& type) { return type.amplification_ratio.has_value(); });
  const std::size_t shown = std::min(kShownTypes, endpoint.content_types.size());
  for (std::size_t i = 0; i < shown; ++i) {
    text += (i == 0 ? "" : ", ") + type_words(endpoint.content_types[i], any_known);
  }
  const std::size_t left = endpoint.content_types.size() - shown;
  return left == 0 ? text : text + fmt::format(" and {} more", format_count(left));
}

std::string phase_words(const char* name, const PhaseCost& phase) {
  if (phase.peak_share_ratio < kShownShare) {
    return "";
  }
  return phase.peak_share_ratio >= kWholePeak
             ? fmt::format("{} may make all of the peak", name)
             : fmt::format("{} makes at most {} of the peak", name, format_percent(phase.peak_share_ratio));
}

std::string phases_words(const EndpointPayloads& endpoint) {
  if (!endpoint.phases) {
    return "";
  }
  const std::string in = phase_words("deserializing", endpoint.phases->deserialize);
  const std::string out = phase_words("serializing", endpoint.phases->serialize);
  return in + (in.empty() || out.empty() ? "" : ", ") + out;
}

std::string endpoint_text(const EndpointPayloads& endpoint, const TextStyle& style) {
  std::string head = endpoint_name(endpoint.method, endpoint.route, endpoint.version) + ": " +
                     format_count(endpoint.requests) + (endpoint.requests == 1 ? " request" : " requests");
  if (endpoint.failed_requests > 0) {
    head += fmt::format(", {} of them failed", format_count(endpoint.failed_requests));
  }
  return head + "\n" +
         write_lines({{"  in", direction_words(endpoint.request, BodyDirection::kRequest)},
                      {"  out", direction_words(endpoint.response, BodyDirection::kResponse)},
                      {"  types", types_words(endpoint)},
                      {"  codecs", phases_words(endpoint)},
                      {"  stream", streaming_verdict(endpoint)},
                      {"  needs", requirement_words(endpoint.requirement)},
                      {"  limit", printable(limit_words(endpoint))}},
                     style);
}

std::string notes(const PayloadsResult& result, const TextStyle& style) {
  std::vector<LabelledLine> lines;
  if (result.folded_requests > 0) {
    lines.push_back(
        {"note", fmt::format("{} older requests were folded for --max-size: their sizes and phases are in no figure",
                             format_count(result.folded_requests))});
  }
  for (const std::string& unmatched : unmatched_lines(result.unmatched)) {
    lines.push_back({"note", unmatched});
  }
  lines.push_back({"note", how_it_stands(result.recording.state)});
  return write_lines(lines, style);
}

}  // namespace

std::string payloads_text(const PayloadsResult& result, const TextStyle& style) {
  if (result.endpoints.empty()) {
    return nothing_recorded(result.unmatched) + notes(result, style);
  }
  const std::size_t shown = shown_endpoints(result, kTextLimit);
  std::string text;
  std::uint64_t told = 0;
  std::uint64_t left_out = 0;
  std::uint64_t without = 0;
  for (const EndpointPayloads& endpoint : result.endpoints) {
    if (!has_bodies(endpoint)) {
      ++without;
    } else if (told == shown) {
      ++left_out;
    } else {
      ++told;
      text += endpoint_text(endpoint, style);
    }
  }
  if (without > 0) {
    text += fmt::format("{} endpoint{} without bodies either way\n", format_count(without), without == 1 ? "" : "s");
  }
  if (left_out > 0) {
    text += fmt::format("({} more: --limit 0)\n", format_count(left_out));
  }
  return text + notes(result, style);
}

}  // namespace heapledger::report
