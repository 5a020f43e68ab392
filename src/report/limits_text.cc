#include "report/limits_text.h"

#include <fmt/format.h>

#include <vector>

#include "report/labelled_lines.h"
#include "report/limits_json.h"
#include "report/limits_words.h"
#include "report/printable.h"
#include "report/requests_lines.h"
#include "report/table.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::LimitsMissing;
using analysis::LimitsResult;

template <class Value, class Write>
std::string cell(const std::optional<Value>& value, Write write) {
  return value ? write(*value) : std::string("-");
}

// Without limits only what was recorded has columns.
std::string table_of(const LimitsResult& result, std::size_t shown, const TextStyle& style) {
  const bool limits = result.missing == LimitsMissing::kNothing;
  std::vector<Column> columns{{"ENDPOINT", Align::kLeft, true, 0}};
  if (limits) columns.push_back({"TOKENS", Align::kRight, false, 3});
  columns.push_back({"p99 PEAK"});
  columns.push_back({"REQ/S NOW", Align::kRight, false, 2});
  if (limits) {
    columns.push_back({"REQ/S SAFE"});
    columns.push_back({"AT ONCE"});
    columns.push_back({"BODY MAX", Align::kRight, false, 1});
  }
  Table table(columns);
  for (std::size_t i = 0; i < shown; ++i) {
    const analysis::RequestTypeCost& cost = result.costs[i];
    std::vector<std::string> cells{endpoint_name(cost.endpoint.method, cost.endpoint.route, cost.endpoint.version)};
    if (limits) cells.push_back(cell(cost.tokens, format_count));
    cells.push_back(cell(cost.p99_peak_bytes, format_bytes));
    cells.push_back(rate_words(cost.requests_per_second));
    if (limits) {
      const analysis::EndpointLimit& limit = result.limits.endpoints[i];
      cells.push_back(cell(limit.requests_per_second, rate_words));
      cells.push_back(limit.any_concurrency ? "no limit" : format_count(limit.concurrency.value_or(0)));
      cells.push_back(cell(limit.max_body_bytes, format_bytes));
    }
    table.add_row(std::move(cells));
  }
  std::string text = table.render(style);
  const std::size_t left_out = result.costs.size() - shown;
  return left_out > 0 ? text + fmt::format("({} more: --limit 0)\n", format_count(left_out)) : text;
}

std::string today_words(const LimitsResult& result) {
  if (result.exhaustion.empty()) {
    return "";
  }
  const std::optional<bool> over = result.over_risk();
  return scenario_words(result.exhaustion.front()) +
         (over ? (*over ? ": over the risk" : ": within the risk") : std::string());
}

}  // namespace

std::string limits_text(const LimitsResult& result, const TextStyle& style) {
  if (result.missing == LimitsMissing::kNoTraffic) {
    return "nothing recorded\n" + write_lines(limit_lines(result), style);
  }
  std::vector<LabelledLine> opening;
  if (result.missing != LimitsMissing::kNothing) {
    opening.push_back({"!", "no limits: " + missing_words(result)});
  }
  opening.push_back({"budget", budget_words(result)});
  opening.push_back({"risk", result.missing == LimitsMissing::kNothing ? risk_words(result) : ""});
  opening.push_back({"today", today_words(result)});
  return write_lines(opening, style) + table_of(result, shown_costs(result, analysis::kTextLimit), style) +
         write_lines(limit_lines(result), style);
}

}  // namespace heapledger::report
