// The line `next`: what to do about what the report shows. Pure functions; thread-safe; allocate.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "heapledger/analysis.h"

namespace heapledger::report {

// Analysis verbs of this version. A step names no other.
inline constexpr std::array<std::string_view, 1> kVerbs{"requests"};
bool has_verb(std::string_view verb);

// After a report on requests; `after_run`: at the end of `heapledger run`, before any verb was called.
std::string next_step_after_requests(const analysis::RequestsResult& result, bool after_run);

}  // namespace heapledger::report
