// Content types of an endpoint's bodies, ranked by what a byte of each costs.
//
// A type's ratio is the slope of its own requests' peaks over their sizes, the other direction's part taken off where
// the endpoint's model knows it; at most 1,024 of its requests are fitted, chosen by size. Where the sizes of both
// directions move together no type has a ratio of its own.
// Pure; thread-safe; allocates.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "analysis/endpoint_bodies.h"
#include "analysis/peak_model.h"
#include "heapledger/payload_analyzer.h"

namespace heapledger::analysis {

struct PayloadNames {
  std::unordered_map<std::int64_t, std::string> types;
  std::unordered_map<std::int64_t, std::string> encodings;
};

// The dearest first, those without a ratio last, by requests.
std::vector<ContentTypeCost> rank_kinds(const EndpointBodies& bodies, const PeakModel& model,
                                        const PayloadNames& names);

}  // namespace heapledger::analysis
