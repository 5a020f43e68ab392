// What the comparison of versions reads: requests by what they cost, notices of endpoints, marks of compatibility code.
#include "recording/recording_state.h"

namespace heapledger::recording {
namespace {

constexpr Table<RequestCostRow, 12> kRequestCostTable{
    "request",
    {{{"worker", &RequestCostRow::worker, Holds::kWorker},
      {"endpoint", &RequestCostRow::endpoint, Holds::kEndpoint},
      {"started_us", &RequestCostRow::started_us},
      {"duration_us", &RequestCostRow::duration_us, Holds::kSize},
      {"status", &RequestCostRow::status},
      {"flags", &RequestCostRow::flags},
      {"received_bytes", &RequestCostRow::received_bytes, Holds::kSize},
      {"sent_bytes", &RequestCostRow::sent_bytes, Holds::kSize},
      {"allocated_bytes", &RequestCostRow::allocated_bytes, Holds::kSize},
      {"peak_bytes", &RequestCostRow::peak_bytes, Holds::kSize},
      {"escaped_bytes", &RequestCostRow::escaped_bytes, Holds::kSize},
      {"byte_seconds", &RequestCostRow::byte_seconds}}}};

constexpr Table<EndpointNoticeRow, 3> kEndpointNoticeTable{
    "endpoint_notice",
    {{{"endpoint", &EndpointNoticeRow::endpoint, Holds::kEndpoint},
      {"deprecation", &EndpointNoticeRow::deprecation},
      {"sunset", &EndpointNoticeRow::sunset}}}};

constexpr Table<CompatMarkRow, 7> kCompatMarkTable{"compat_mark",
                                                   {{{"worker", &CompatMarkRow::worker, Holds::kWorker},
                                                     {"endpoint", &CompatMarkRow::endpoint, Holds::kEndpoint},
                                                     {"name", &CompatMarkRow::name},
                                                     {"calls", &CompatMarkRow::calls, Holds::kSize},
                                                     {"allocated_bytes", &CompatMarkRow::allocated_bytes, Holds::kSize},
                                                     {"peak_bytes", &CompatMarkRow::peak_bytes, Holds::kSize},
                                                     {"duration_us", &CompatMarkRow::duration_us, Holds::kSize}}}};

}  // namespace

void Recording::for_each_request_cost(const std::function<void(const RequestCostRow&)>& visit) const {
  Statement select(*state_->database, select_from(kRequestCostTable, "ORDER BY id").c_str());
  while (select.step()) visit(state_->read(kRequestCostTable, select));
}

std::vector<EndpointNoticeRow> Recording::endpoint_notices() const {
  return state_->read_all(kEndpointNoticeTable, "ORDER BY endpoint");
}

std::vector<CompatMarkRow> Recording::compat_marks() const {
  return state_->read_all(kCompatMarkTable, "ORDER BY worker, rowid");
}

}  // namespace heapledger::recording
