#include "report/json_document.h"

#include "analysis/row_arithmetic.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

constexpr int kIndent = 2;

template <class Value>
Json distribution_with_mean(const Json& mean, const analysis::Distribution<Value>& distribution) {
  return {{"mean", mean},
          {"p50", distribution.p50},
          {"p90", distribution.p90},
          {"p95", distribution.p95},
          {"p99", value_or_null(distribution.p99)},
          {"max", distribution.max}};
}

}  // namespace

Json open_document(const std::string& verb, const analysis::RecordingInfo& recording) {
  Json document;
  document["schema"] = "heapledger." + verb + "/1";
  document["recording"] = {{"path", recording.path},
                           {"schema_version", recording.schema_version},
                           {"heapledger_version", recording.heapledger_version},
                           {"started_at", format_iso_time(recording.started_unix_us)},
                           {"duration_seconds", recording.duration_seconds},
                           {"python", recording.python},
                           {"mode", recording.mode},
                           {"native", recording.native},
                           {"worker_count", recording.worker_count},
                           {"complete", recording.complete},
                           {"dropped_requests", recording.dropped_requests}};
  return document;
}

std::string write_document(const Json& document) {
  return document.dump(kIndent, ' ', true, Json::error_handler_t::replace) + "\n";
}

Json size_distribution(const analysis::IntegerDistribution& distribution) {
  return distribution_with_mean(analysis::rounded_count(distribution.mean), distribution);
}

Json count_distribution(const analysis::IntegerDistribution& distribution) {
  return distribution_with_mean(distribution.mean, distribution);
}

Json real_distribution(const analysis::RealDistribution& distribution) {
  return distribution_with_mean(distribution.mean, distribution);
}

}  // namespace heapledger::report
