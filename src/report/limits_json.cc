#include "report/limits_json.h"

#include <algorithm>

#include "report/csv.h"
#include "report/endpoint_json.h"
#include "report/leaks_json.h"
#include "report/limits_words.h"

namespace heapledger::report {
namespace {

using analysis::LimitsResult;

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json endpoint_row(const analysis::EndpointId& endpoint) {
  return {{"method", endpoint.method}, {"route", endpoint.route}, {"version", version_or_null(endpoint.version)}};
}

Json with(Json row, const Json& more) {
  row.update(more);
  return row;
}

Json budget_of(const analysis::MemoryBudget& budget) {
  return {{"limit_bytes", value_or_null(budget.limit_bytes)},
          {"source", text_or_null(budget.source)},
          {"baseline_bytes", value_or_null(budget.baseline_bytes)},
          {"overhead_ratio", value_or_null(budget.overhead_ratio)},
          {"overhead_measured", budget.overhead_measured},
          {"headroom_bytes", value_or_null(budget.headroom_bytes)},
          {"processes", budget.processes}};
}

Json cost_row(const analysis::RequestTypeCost& cost) {
  return with(endpoint_row(cost.endpoint), {{"requests", cost.requests},
                                            {"requests_per_second", cost.requests_per_second},
                                            {"byte_seconds", cost.byte_seconds},
                                            {"effective_bytes", value_or_null(cost.effective_bytes)},
                                            {"p99_peak_bytes", value_or_null(cost.p99_peak_bytes)},
                                            {"tail_index", value_or_null(cost.tail_index)},
                                            {"tail_index_error", value_or_null(cost.tail_index_error)},
                                            {"tokens", value_or_null(cost.tokens)},
                                            {"reason", text_or_null(cost.reason)}});
}

Json limit_row(const analysis::EndpointLimit& limit) {
  return with(endpoint_row(limit.endpoint), {{"requests_per_second_now", limit.requests_per_second_now},
                                             {"requests_per_second", value_or_null(limit.requests_per_second)},
                                             {"burst", value_or_null(limit.burst)},
                                             {"concurrency", value_or_null(limit.concurrency)},
                                             {"max_body_bytes", value_or_null(limit.max_body_bytes)},
                                             {"largest_body_bytes", value_or_null(limit.largest_body_bytes)},
                                             {"reason", text_or_null(limit.reason)}});
}

Json limits_of(const LimitsResult& result, std::size_t shown) {
  const analysis::MemoryLimits& limits = result.limits;
  Json rows = Json::array();
  for (std::size_t i = 0; i < std::min(shown, limits.endpoints.size()); ++i) {
    rows.push_back(limit_row(limits.endpoints[i]));
  }
  return {{"concurrency", value_or_null(limits.concurrency)},
          {"concurrency_reason", text_or_null(limits.concurrency_reason)},
          {"requests_per_second", value_or_null(limits.requests_per_second)},
          {"tokens_per_second", value_or_null(limits.tokens_per_second)},
          {"token_capacity", value_or_null(limits.token_capacity)},
          {"token_byte_seconds", value_or_null(limits.token_byte_seconds)},
          {"endpoints", rows},
          {"worker_count", value_or_null(limits.worker_count)},
          {"worker_count_now", limits.workers_now},
          {"worker_count_headroom_bytes", value_or_null(limits.worker_headroom_bytes)},
          {"worker_count_concurrency", value_or_null(limits.worker_concurrency)},
          {"worker_count_reason", text_or_null(limits.worker_reason)},
          {"max_requests", value_or_null(limits.max_requests)},
          {"leak_bytes_per_request", value_or_null(limits.leak_bytes_per_request)}};
}

Json scenario_row(const analysis::ExhaustionScenario& row) {
  const auto& interval = row.exceedances_per_day_interval;
  return {{"scenario", row.scenario},
          {"exceedances_per_day", value_or_null(row.exceedances_per_day)},
          {"exceedances_per_day_interval", interval ? Json::array({interval->low, interval->high}) : Json(nullptr)},
          {"time_over_ratio", value_or_null(row.time_over_ratio)},
          {"method", name_of(row.method)},
          {"seconds_to_exhaustion", value_or_null(row.seconds_to_exhaustion)},
          {"first", row.first ? endpoint_row(*row.first) : Json(nullptr)},
          {"largest_peak_bytes", value_or_null(row.largest_peak_bytes)},
          {"needed_peak_bytes", value_or_null(row.needed_peak_bytes)},
          {"recorded_exceedances_per_day", value_or_null(row.recorded_per_day)}};
}

Json burst_row(const analysis::BurstRoom& burst) {
  return with(endpoint_row(burst.endpoint), {{"requests_from_idle", burst.from_idle},
                                             {"requests_from_now", burst.from_now},
                                             {"held_seconds", burst.held_seconds},
                                             {"recovery_seconds", burst.recovery_seconds}});
}

Json strategy_row(const analysis::StrategyOutcome& outcome) {
  return {{"strategy", name_of(outcome.strategy)},
          {"load_ratio", outcome.load_ratio},
          {"exceedances", outcome.exceedances},
          {"time_over_ratio", outcome.time_over_ratio},
          {"goodput_per_second", outcome.goodput_per_second},
          {"rejected", outcome.rejected},
          {"rejected_ratio", outcome.rejected_ratio},
          {"wait_p99_seconds", outcome.wait_p99_seconds},
          {"recommended", outcome.recommended}};
}

template <class Row, class Write>
Json list_of(const std::vector<Row>& rows, std::size_t shown, Write write) {
  Json list = Json::array();
  for (std::size_t i = 0; i < std::min(shown, rows.size()); ++i) {
    list.push_back(write(rows[i]));
  }
  return list;
}

}  // namespace

std::size_t shown_costs(const LimitsResult& result, std::size_t otherwise) {
  const std::size_t limit = result.limit.value_or(otherwise);
  return limit == 0 ? result.costs.size() : std::min(limit, result.costs.size());
}

Json limits_document(const LimitsResult& result) {
  const std::size_t shown = shown_costs(result, 0);
  Json document = open_document("limits", result.recording);
  document["recording_state"] = name_of(result.recording.state);
  document["confidence_ratio"] = result.confidence_ratio;
  document["risk_seconds"] = result.risk_seconds;
  document["over_risk"] = value_or_null(result.over_risk());
  document["reason"] = text_or_null(missing_words(result));
  document["requests"] = result.requests;
  document["traffic_seconds"] = result.traffic_seconds;
  document["requests_without_curve"] = result.requests_without_curve;
  document["folded_requests"] = result.folded_requests;
  document["folded_requests_left_out"] = result.folded_requests_left_out;
  document["budget"] = budget_of(result.budget);
  document["costs"] = list_of(result.costs, shown, cost_row);
  document["limits"] = limits_of(result, shown);
  document["exhaustion"] = list_of(result.exhaustion, result.exhaustion.size(), scenario_row);
  document["burst"] = list_of(result.burst, shown, burst_row);
  document["strategies"] = list_of(result.strategies, result.strategies.size(), strategy_row);
  document["replayed_requests"] = result.replayed_requests;
  document["endpoints_left_out"] = result.costs.size() - shown;
  document["unmatched"] = unmatched_list(result.unmatched);
  return document;
}

std::string limits_csv(const LimitsResult& result) {
  return write_csv(list_of(result.costs, shown_costs(result, 0), cost_row), cost_row({}));
}

}  // namespace heapledger::report
