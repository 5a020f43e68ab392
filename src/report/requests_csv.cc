#include "report/requests_csv.h"

#include "report/csv.h"
#include "report/requests_json.h"

namespace heapledger::report {

std::string requests_csv(const analysis::RequestsResult& result) {
  analysis::EndpointCost full;
  full.native_allocated_bytes.emplace();
  full.native_peak_bytes.emplace();
  Json rows = Json::array();
  for (std::size_t i = 0; i < shown_endpoints(result, 0); ++i) {
    rows.push_back(endpoint_row(result.endpoints[i]));
  }
  return write_csv(rows, endpoint_row(full));
}

}  // namespace heapledger::report
