// What a user probably meant by a name that is not there. Pure; allocates.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace heapledger::analysis {

// The candidate with the fewest edits from `word`, "" when none is near (more than a third of it would change).
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

// The route template that `word` names: one that the path would match, else the nearest by edits, "" when none is near.
// A method in front ("GET /orders") and a query behind are not held against it.
std::string nearest_route(std::string_view word, const std::vector<std::string>& routes);

}  // namespace heapledger::analysis
