// The lines of code of `heapledger requests --route`: as the JSON list `sites`, and as two short lists of text, by
// allocated bytes and by bytes live at the peak. Pure functions; thread-safe; allocate.
#pragma once

#include <string>

#include "heapledger/requests.h"
#include "report/json_document.h"

namespace heapledger::report {

Json request_sites(const analysis::RequestsResult& result);

// Why there are none; empty when there are some.
std::string missing_sites(const analysis::RequestsResult& result);

// Empty when no route was asked for.
std::string request_sites_text(const analysis::RequestsResult& result);

}  // namespace heapledger::report
