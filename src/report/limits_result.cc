// The members of LimitsResult that render it.
#include "heapledger/rate_limiter.h"
#include "report/limits_emit.h"
#include "report/limits_json.h"
#include "report/limits_text.h"

namespace heapledger::analysis {

std::string LimitsResult::to_text() const { return report::limits_text(*this, {}); }

std::string LimitsResult::to_json() const { return report::write_document(report::limits_document(*this)); }

std::string LimitsResult::to_csv() const { return report::limits_csv(*this); }

std::string LimitsResult::emit(EmitTarget target) const { return report::emit_limits(*this, target); }

}  // namespace heapledger::analysis
