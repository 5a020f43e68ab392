// The members of LifecycleResult that render it.
#include "heapledger/lifecycle.h"
#include "report/lifecycle_json.h"
#include "report/lifecycle_text.h"

namespace heapledger::analysis {

std::string LifecycleResult::to_text() const { return report::lifecycle_text(*this, report::plain_style()); }

std::string LifecycleResult::to_json() const { return report::write_document(report::lifecycle_document(*this)); }

std::string LifecycleResult::to_csv() const { return report::lifecycle_csv(*this); }

}  // namespace heapledger::analysis
