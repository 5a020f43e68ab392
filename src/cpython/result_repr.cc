#include "cpython/result_repr.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>

#include "heapledger/interference.h"
#include "heapledger/leaks.h"
#include "heapledger/lifecycle.h"
#include "heapledger/payload_analyzer.h"
#include "heapledger/pool_monitor.h"
#include "heapledger/rate_limiter.h"
#include "heapledger/requests.h"
#include "heapledger/segments.h"
#include "heapledger/version_comparator.h"
#include "report/limits_words.h"
#include "report/printable.h"
#include "report/units.h"

namespace heapledger::cpython {
namespace {

std::string some(std::uint64_t count, const char* word) {
  return fmt::format("{} {}{}", report::format_count(count), word, count == 1 ? "" : "s");
}

template <class Result>
std::string whole(const char* name, const Result& result, const std::string& figures) {
  return fmt::format("<{} of {}: {}>", name, report::printable(result.recording.path), figures);
}

template <class Row, class Is>
std::uint64_t count(const std::vector<Row>& rows, Is is) {
  return static_cast<std::uint64_t>(std::count_if(rows.begin(), rows.end(), is));
}

}  // namespace

std::string repr_of(const analysis::InterferenceResult& result) {
  return whole("InterferenceResult", result,
               some(result.requests, "request") + ", " + some(result.pairs.size(), "pair") + " that met");
}

std::string repr_of(const analysis::LeaksResult& result) {
  const auto is_leak = [](const analysis::LeakFinding& one) { return one.verdict == analysis::LeakVerdict::kLeak; };
  return whole("LeaksResult", result,
               some(count(result.findings, is_leak), "leak") + " in " + some(result.findings.size(), "finding"));
}

std::string repr_of(const analysis::LifecycleResult& result) {
  return whole("LifecycleResult", result, some(result.endpoints.size(), "endpoint") + " of that route");
}

std::string repr_of(const analysis::LimitsResult& result) {
  if (result.missing != analysis::LimitsMissing::kNothing) {
    return whole("LimitsResult", result, "no limits, " + report::missing_words(result));
  }
  const std::optional<bool> over = result.over_risk();
  const char* risk = !over ? "risk unknown" : *over ? "over the risk" : "within the risk";
  return whole("LimitsResult", result,
               fmt::format("{}, headroom {}, {}", some(result.requests, "request"),
                           report::format_bytes(result.budget.headroom_bytes.value_or(0)), risk));
}

std::string repr_of(const analysis::PayloadsResult& result) {
  return whole("PayloadsResult", result,
               some(result.requests, "request") + ", " + some(result.endpoints.size(), "endpoint"));
}

std::string repr_of(const analysis::PoolsResult& result) {
  std::size_t leaks = 0;
  for (const analysis::PoolUse& pool : result.pools) {
    leaks += pool.leaks.size();
  }
  return whole("PoolsResult", result, some(result.pools.size(), "pool") + ", " + some(leaks, "leak"));
}

std::string repr_of(const analysis::RequestsResult& result) {
  return whole("RequestsResult", result,
               some(result.requests, "request") + ", " + some(result.endpoints.size(), "endpoint"));
}

std::string repr_of(const analysis::SegmentsResult& result) {
  return whole("SegmentsResult", result,
               some(result.workers.size(), "worker") + ", " + some(result.blocks.size(), "endpoint"));
}

std::string repr_of(const analysis::VersionsResult& result) {
  using analysis::VersionVerdict;
  const auto worse = [](const analysis::VersionPair& pair) { return pair.verdict == VersionVerdict::kRegression; };
  const std::string to = result.other ? " to " + report::printable(result.other->path) : "";
  return fmt::format("<VersionsResult of {}{}: {}, {}>", report::printable(result.recording.path), to,
                     some(result.pairs.size(), "pair"), some(count(result.pairs, worse), "regression"));
}

}  // namespace heapledger::cpython
