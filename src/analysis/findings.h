// What of a requests result deserves the eye first.
//
// kKeeps nominates, it does not convict (recycled objects keep their first owner): an endpoint whose ended requests
// still hold memory worth a look, spread over them rather than kept once by a few. What each worker may have
// initialised with one request is left out first (recurring.h). The share of each of the others must be at least
// kKeptPerRequestBytes, at least half of it must have escaped from the median request or been allocated by it after its
// response (a cache that a few requests filled fails that), and it must add up to kKeptBytes, or to
// kSteepPerRequestBytes a request.
// Pure function; allocates; fork-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "analysis/recording_tables.h"
#include "heapledger/requests.h"

namespace heapledger::analysis {

inline constexpr std::uint64_t kKeptMinimumRequests = 20;   // in all
inline constexpr std::uint64_t kKeptMinimumRecurring = 10;  // beside the one of each worker
inline constexpr std::uint64_t kKeptPerRequestBytes = 64;
inline constexpr std::uint64_t kSteepPerRequestBytes = std::uint64_t{4} << 10;
inline constexpr std::uint64_t kKeptBytes = std::uint64_t{1} << 20;
inline constexpr double kDominatingRatio = 0.5;

// By endpoint, in the order of `endpoints`. `highest`: the highest peak, or null.
std::vector<Finding> find_findings(const std::vector<EndpointCost>& endpoints, const Peak* highest);

}  // namespace heapledger::analysis
