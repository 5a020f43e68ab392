// The members of PayloadsResult that render it.
#include "heapledger/payload_analyzer.h"
#include "report/payloads_json.h"
#include "report/payloads_text.h"

namespace heapledger::analysis {

std::string PayloadsResult::to_text() const { return report::payloads_text(*this, {}); }

std::string PayloadsResult::to_json() const { return report::write_document(report::payloads_document(*this)); }

std::string PayloadsResult::to_csv() const { return report::payloads_csv(*this); }

}  // namespace heapledger::analysis
