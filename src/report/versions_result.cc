// The members of VersionsResult that render it.
#include "heapledger/version_comparator.h"
#include "report/versions_json.h"
#include "report/versions_text.h"

namespace heapledger::analysis {

std::string VersionsResult::to_text() const { return report::versions_text(*this, {}); }

std::string VersionsResult::to_json() const { return report::write_document(report::versions_document(*this)); }

std::string VersionsResult::to_csv() const { return report::versions_csv(*this); }

}  // namespace heapledger::analysis
