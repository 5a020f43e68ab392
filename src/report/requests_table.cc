#include "report/requests_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "report/printable.h"
#include "report/requests_json.h"
#include "report/requests_lines.h"
#include "report/table.h"
#include "report/units.h"

namespace heapledger::report {
namespace {

using analysis::EndpointCost;
using analysis::RequestsResult;

// What the median request allocates after its response is told from here on: little of it is every framework's own.
constexpr std::uint64_t kMuchAfterwards = std::uint64_t{64} << 10;

struct Figure {
  Column column;
  std::function<std::string(const EndpointCost&)> cell;
};

template <class Predicate>
bool any_endpoint(const RequestsResult& result, Predicate predicate) {
  return std::any_of(result.endpoints.begin(), result.endpoints.end(), predicate);
}

Column right(const char* title, int dispensable = 0) { return {title, Align::kRight, false, dispensable}; }

std::string version_cell(const EndpointCost& endpoint) {
  std::string version = version_beside(endpoint.route, endpoint.version);
  if (!endpoint.deprecated) {
    return version;
  }
  return version.empty() ? "deprecated" : version + " deprecated";
}

// The methods are padded to one width, so that the routes line up.
Figure endpoint_figure(const RequestsResult& result) {
  std::size_t method_width = 0;
  for (const EndpointCost& endpoint : result.endpoints) {
    method_width = std::max(method_width, display_width(printable(endpoint.method)));
  }
  return {{"ENDPOINT", Align::kLeft, true, 0}, [method_width](const EndpointCost& endpoint) {
            const std::string method = printable(endpoint.method);
            return method + std::string(method_width - display_width(method) + 1, ' ') + printable(endpoint.route);
          }};
}

Figure peak_tail_figure(bool has_p99) {
  if (!has_p99) {
    return {right("PEAK max", 3), [](const EndpointCost& e) { return format_bytes(e.peak_bytes.max); }};
  }
  return {right("PEAK p99", 3),
          [](const EndpointCost& e) { return e.peak_bytes.p99 ? format_bytes(*e.peak_bytes.p99) : "-"; }};
}

std::string alongside_cell(const EndpointCost& endpoint) {
  const auto& alongside = endpoint.concurrency.alongside;
  if (!alongside) {
    return "-";
  }
  return fmt::format("{:.{}f}", *alongside, *alongside > 0 && *alongside < 99.95 ? 1 : 0);
}

std::vector<Figure> figures_of(const RequestsResult& result, bool has_p99) {
  std::vector<Figure> figures{endpoint_figure(result)};
  if (any_endpoint(result, [](const EndpointCost& e) { return !version_cell(e).empty(); })) {
    figures.push_back({{"VERSION", Align::kLeft, false, 2}, version_cell});
  }
  figures.push_back({right("REQS"), [](const EndpointCost& e) { return format_count(e.requests); }});
  if (any_endpoint(result, [](const EndpointCost& e) { return e.errors != 0; })) {
    figures.push_back({right("ERRORS", 1), [](const EndpointCost& e) { return format_count(e.errors); }});
  }
  figures.push_back({right("ALONGSIDE", 5), alongside_cell});
  figures.push_back({right("PEAK p50"), [](const EndpointCost& e) { return format_bytes(e.peak_bytes.p50); }});
  figures.push_back(peak_tail_figure(has_p99));
  figures.push_back({right("ALLOC p50", 2), [](const EndpointCost& e) { return format_bytes(e.allocated_bytes.p50); }});
  if (any_endpoint(result, [](const EndpointCost& e) { return e.native_allocated_bytes.has_value(); })) {
    figures.push_back({right("NATIVE p50", 6), [](const EndpointCost& e) {
                         return e.native_allocated_bytes ? format_bytes(e.native_allocated_bytes->p50) : "-";
                       }});
  }
  figures.push_back({right("ESCAPED p50", 4), [](const EndpointCost& e) { return format_bytes(e.escaped_bytes.p50); }});
  if (any_endpoint(result, [](const EndpointCost& e) { return e.after_response_bytes.p50 >= kMuchAfterwards; })) {
    figures.push_back(
        {right("AFTER p50", 3), [](const EndpointCost& e) { return format_bytes(e.after_response_bytes.p50); }});
  }
  figures.push_back({right("RETAINED"), [](const EndpointCost& e) { return format_bytes(e.retained_bytes); }});
  figures.push_back({right("COST"), [](const EndpointCost& e) { return format_percent(e.cost_ratio); }});
  return figures;
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : ", ") + word;
  }
  return text;
}

std::string footnotes(const RequestsResult& result, std::size_t shown, bool dashes,
                      const std::vector<std::string>& left_out) {
  std::vector<std::string> notes;
  if (shown < result.endpoints.size()) {
    notes.push_back(fmt::format("{} more: --limit 0", format_count(result.endpoints.size() - shown)));
  }
  notes.emplace_back("COST = share of byte-seconds");
  if (dashes) {
    notes.emplace_back("p99 from 100 requests on");
  }
  if (!left_out.empty()) {
    notes.push_back("no room for " + join(left_out));
  }
  std::string text;
  for (const std::string& note : notes) {
    text += (text.empty() ? "(" : "; ") + note;
  }
  return text + ")\n";
}

}  // namespace

std::string requests_table(const RequestsResult& result, const TextStyle& style) {
  const std::size_t shown = shown_endpoints(result, analysis::kTextLimit);
  const auto begin = result.endpoints.begin();
  const auto end = begin + static_cast<std::ptrdiff_t>(shown);
  const auto has_p99 = [](const EndpointCost& endpoint) { return endpoint.peak_bytes.p99.has_value(); };
  const bool any_p99 = std::any_of(begin, end, has_p99);

  std::vector<Figure> figures = figures_of(result, any_p99);
  std::vector<Column> columns;
  columns.reserve(figures.size() + 1);
  for (const Figure& figure : figures) {
    columns.push_back(figure.column);
  }
  columns.push_back({"", Align::kLeft, false, 0});
  Table table(columns);
  for (std::size_t i = 0; i < shown; ++i) {
    std::vector<std::string> cells;
    cells.reserve(columns.size());
    for (const Figure& figure : figures) {
      cells.push_back(figure.cell(result.endpoints[i]));
    }
    const bool marked = std::any_of(result.findings.begin(), result.findings.end(),
                                    [i](const analysis::Finding& finding) { return finding.endpoint == i; });
    cells.emplace_back(marked ? "!" : "");
    table.add_row(std::move(cells));
  }
  const std::string rows = table.render(style);
  return rows + footnotes(result, shown, any_p99 && !std::all_of(begin, end, has_p99), table.left_out());
}

}  // namespace heapledger::report
