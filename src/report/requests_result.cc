// The members of RequestsResult that render it: the public face of the renderers.
#include "heapledger/requests.h"
#include "report/requests_csv.h"
#include "report/requests_json.h"
#include "report/requests_text.h"

namespace heapledger::analysis {

std::string RequestsResult::to_text() const { return report::requests_text(*this, {}); }

std::string RequestsResult::to_json() const { return report::write_document(report::requests_document(*this)); }

std::string RequestsResult::to_csv() const { return report::requests_csv(*this); }

}  // namespace heapledger::analysis
