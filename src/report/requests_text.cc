#include "report/requests_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "report/labelled_lines.h"
#include "report/next_step.h"
#include "report/request_sites_report.h"
#include "report/requests_json.h"
#include "report/requests_lines.h"
#include "report/requests_table.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::RequestsResult;

std::string nothing_recorded(const RequestsResult& result, const TextStyle& style) {
  std::string text = "nothing recorded";
  const bool none_serves = std::none_of(result.workers.begin(), result.workers.end(),
                                        [](const analysis::WorkerCost& worker) { return worker.serves; });
  if (result.recorded_requests != 0 && none_serves) {
    text += fmt::format(" of processes that serve nothing ({} in all)", format_count(result.recorded_requests));
  } else if (result.recorded_requests != 0) {
    text += fmt::format(" for these options ({} in all)", format_count(result.recorded_requests));
  }
  if (result.accounting.dropped_requests != 0) {
    text += fmt::format("; {} dropped", format_count(result.accounting.dropped_requests));
  }
  return text + "\n" + write_lines(caution_lines(result), style);
}

}  // namespace

std::string requests_text(const RequestsResult& result, const RequestsTextOptions& options) {
  const TextStyle& style = options.style;
  if (result.endpoints.empty()) {
    return nothing_recorded(result, style);
  }
  std::string text = headline(result) + "\n" + requests_table(result, style);
  text += write_lines(finding_lines(result, shown_endpoints(result, analysis::kTextLimit)), style);
  text += request_sites_text(result);
  text += write_lines(
      {{"books", books_line(result)}, {"memory", memory_line(result.memory)}, {"peak", peak_line(result)}}, style);
  text += write_lines(caution_lines(result), style);
  const char* label = "next";
  for (const std::string& step : next_step_after_requests(result, options.after_run)) {
    text += write_line({label, step}, style);
    label = "";
  }
  return text;
}

}  // namespace heapledger::report
