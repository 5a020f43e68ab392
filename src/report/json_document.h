// What the JSON documents of all verbs share: key order as written, sizes as integers, times in ISO 8601 (UTC).
//
// Output is ASCII: what is not, is escaped (\u001b, \u00e9), so that no document can drive a terminal; bytes that are
// not UTF-8 become U+FFFD. A number that is not finite is null. Pure functions; thread-safe; allocate.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "heapledger/recording_info.h"

namespace heapledger::report {

using Json = nlohmann::ordered_json;

// {"schema": "heapledger.VERB/1", "recording": {...}}: every document opens with it.
Json open_document(const std::string& verb, const analysis::RecordingInfo& recording);

// With a newline at its end.
std::string write_document(const Json& document);

// {mean, p50, p90, p95, p99, max}. For sizes the mean is a whole number of bytes, as every size is.
Json size_distribution(const analysis::IntegerDistribution& distribution);
Json count_distribution(const analysis::IntegerDistribution& distribution);
Json real_distribution(const analysis::RealDistribution& distribution);

template <class Value>
Json value_or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace heapledger::report
