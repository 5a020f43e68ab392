#include "report/csv.h"
#include "report/payloads_json.h"

namespace heapledger::report {
namespace {

using analysis::ContentTypeCost;
using analysis::EndpointPayloads;

// An interval is a pair of columns.
void spread_intervals(Json& value) {
  if (value.is_object()) {
    for (auto& [key, member] : value.items()) {
      spread_intervals(member);
    }
  } else if (value.is_array() && value.size() == 2) {
    value = Json{{"low", value[0]}, {"high", value[1]}};
  }
}

// Flat: of the content types the first one, the dearest.
Json flat_row(const EndpointPayloads& endpoint) {
  Json row = payload_endpoint_row(endpoint);
  row["content_types"] = endpoint.content_types.size();
  row["first_content_type"] =
      endpoint.content_types.empty() ? Json(nullptr) : payload_type_row(endpoint.content_types.front());
  spread_intervals(row);
  return row;
}

// With an object wherever a row may have one.
Json full_row() {
  EndpointPayloads endpoint;
  endpoint.request.model.amplification_ratio_interval.emplace();
  endpoint.response.model.amplification_ratio_interval.emplace();
  endpoint.phases.emplace();
  endpoint.content_types.emplace_back().amplification_ratio_interval.emplace();
  endpoint.large_body.emplace();
  return flat_row(endpoint);
}

}  // namespace

std::string payloads_csv(const analysis::PayloadsResult& result) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < shown_endpoints(result, 0); ++i) {
    rows.push_back(flat_row(result.endpoints[i]));
  }
  return write_csv(rows, full_row());
}

}  // namespace heapledger::report
