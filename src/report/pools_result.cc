// The members of PoolsResult that render it.
#include "heapledger/pool_monitor.h"
#include "report/pools_csv.h"
#include "report/pools_json.h"
#include "report/pools_text.h"

namespace heapledger::analysis {

std::string PoolsResult::to_text() const { return report::pools_text(*this, {}); }

std::string PoolsResult::to_json() const { return report::write_document(report::pools_document(*this)); }

std::string PoolsResult::to_csv() const { return report::pools_csv(*this); }

}  // namespace heapledger::analysis
