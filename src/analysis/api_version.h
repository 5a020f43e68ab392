// Versions in routes, and the order of versions. Pure functions; thread-safe; allocate; fork-safe.
#pragma once

#include <string>
#include <string_view>

namespace heapledger::analysis {

// "v2" of "/v2/orders" and "/api/v2/orders", "2024-06" of "/2024-06/orders": one of the first three segments; else "".
std::string version_in_route(std::string_view route);

// The route without that segment, without what parameters are called (frameworks and versions name them differently)
// and without a slash at its end: "/api/v2/orders/{order_id}/" and "/api/orders/<int:id>" are both "/api/orders/{}".
std::string route_without_version(std::string_view route);

// Digits compare as numbers: "" < "v1" < "v2" < "v10", "2024-06" < "2025-01".
bool is_earlier_version(std::string_view left, std::string_view right);

}  // namespace heapledger::analysis
