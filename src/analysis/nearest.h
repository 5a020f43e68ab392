// The name a user probably meant. Pure; allocates.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace heapledger::cli {

// The candidate with the fewest edits from `word`, "" when none is near (more than a third of it would change).
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace heapledger::cli
