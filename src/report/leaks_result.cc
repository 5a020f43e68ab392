// The members of LeaksResult that render it.
#include "heapledger/leaks.h"
#include "report/leaks_json.h"
#include "report/leaks_text.h"

namespace heapledger::analysis {

std::string LeaksResult::to_text() const { return report::leaks_text(*this, {}); }

std::string LeaksResult::to_json() const { return report::write_document(report::leaks_document(*this)); }

std::string LeaksResult::to_csv() const { return report::leaks_csv(*this); }

}  // namespace heapledger::analysis
