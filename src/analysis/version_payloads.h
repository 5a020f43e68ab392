// Like with like: which requests of two versions have payloads of one size.
//
// Memory follows the payload. Where one version happens to get larger ones, its median is larger whatever its code
// does: requests are then compared in strata, sizes within a quarter of an octave. By the size of the body, which
// clients choose, where it varies: when less than half of either version's requests have a counterpart, the versions
// got different work and nothing can be said. Else by the size of the reply, but only where four in five have a
// counterpart: a reply that is smaller in the new version is its merit, not another mix. Else all are compared with
// all. Pure function; allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "analysis/version_sides.h"

namespace heapledger::analysis {

struct StratifiedRequests {
  std::vector<std::uint32_t> order;  // indices of requests with a counterpart, by stratum
  std::vector<std::size_t> ends;     // of each stratum in `order`
};

struct PayloadStrata {
  std::string by;              // "received_bytes", "sent_bytes" or ""
  bool are_different = false;  // sizes of bodies have too little in common
  StratifiedRequests from;
  StratifiedRequests to;
};

// All with all.
PayloadStrata all_payloads(std::size_t from_count, std::size_t to_count);

PayloadStrata match_payloads(const VersionColumns& from, const VersionColumns& to);

}  // namespace heapledger::analysis
