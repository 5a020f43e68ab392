// The members of InterferenceResult that render it.
#include "heapledger/interference.h"
#include "report/interference_json.h"
#include "report/interference_text.h"

namespace heapledger::analysis {

std::string InterferenceResult::to_text() const { return report::interference_text(*this, {}); }

std::string InterferenceResult::to_json() const { return report::write_document(report::interference_document(*this)); }

std::string InterferenceResult::to_csv() const { return report::interference_csv(*this); }

}  // namespace heapledger::analysis
