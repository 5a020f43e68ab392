// The line `next`: what to do about what the report shows. Pure functions; thread-safe; allocate.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "heapledger/requests.h"

namespace heapledger::report {

// Analysis verbs of this version. A step names no other.
inline constexpr std::array<std::string_view, 2> kVerbs{"requests", "leaks"};
bool has_verb(std::string_view verb);

// After a report on requests, in lines: a command that follows words has a line of its own, to be copied.
// `after_run`: at the end of `heapledger run`, before any verb was called.
std::vector<std::string> next_step_after_requests(const analysis::RequestsResult& result, bool after_run);

}  // namespace heapledger::report
