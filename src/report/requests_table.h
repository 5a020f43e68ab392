// The table of endpoints in the text of `heapledger requests`. Pure function; thread-safe; allocates.
#pragma once

#include <string>

#include "heapledger/requests.h"
#include "report/text_style.h"

namespace heapledger::report {

// The table with its footnotes.
std::string requests_table(const analysis::RequestsResult& result, const TextStyle& style);

}  // namespace heapledger::report
