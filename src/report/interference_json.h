// `heapledger requests --interference` as JSON and as CSV, the pairs flat. Pure functions; thread-safe; allocate.
#pragma once

#include <cstddef>
#include <string>

#include "heapledger/interference.h"
#include "report/json_document.h"

namespace heapledger::report {

// How many pairs the limit leaves, `otherwise` where none was given; 0 is all.
std::size_t shown_pairs(const analysis::InterferenceResult& result, std::size_t otherwise);

Json interference_document(const analysis::InterferenceResult& result);
std::string interference_csv(const analysis::InterferenceResult& result);

}  // namespace heapledger::report
