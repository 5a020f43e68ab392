// `heapledger requests --lifecycle` as JSON and as CSV, the series flat. Pure functions; thread-safe; allocate.
#pragma once

#include <string>

#include "heapledger/lifecycle.h"
#include "report/json_document.h"

namespace heapledger::report {

Json lifecycle_document(const analysis::LifecycleResult& result);
std::string lifecycle_csv(const analysis::LifecycleResult& result);

}  // namespace heapledger::report
