#include "report/endpoint_json.h"

namespace heapledger::report {
namespace {

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

}  // namespace

Json endpoint_object(const analysis::EndpointId& endpoint) {
  return {{"method", endpoint.method}, {"route", endpoint.route}, {"version", text_or_null(endpoint.version)}};
}

Json unmatched_list(const std::vector<analysis::UnmatchedOption>& options) {
  Json list = Json::array();
  for (const analysis::UnmatchedOption& option : options) {
    list.push_back({{"option", option.option}, {"value", option.value}, {"nearest", text_or_null(option.nearest)}});
  }
  return list;
}

}  // namespace heapledger::report
