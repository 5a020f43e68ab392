// The document of `heapledger leaks`. Pure functions; thread-safe; allocate.
#pragma once

#include "heapledger/leaks.h"
#include "report/json_document.h"

namespace heapledger::report {

Json leaks_document(const analysis::LeaksResult& result);

// How many findings to show: all with 0, `otherwise` when the options do not say.
std::size_t shown_findings(const analysis::LeaksResult& result, std::size_t otherwise);

// [{function, file, line}], innermost first.
Json stack_list(const analysis::CodeStack& stack);

// Version of an endpoint: null when it has none.
Json version_or_null(const std::string& version);

std::string leaks_csv(const analysis::LeaksResult& result);

}  // namespace heapledger::report
