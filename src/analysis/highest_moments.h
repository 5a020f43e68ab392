// The moments at which all requests in flight of a worker had most live together, and whose they were.
//
// The recording's time is cut into equal spans; of each span and worker the highest moment is kept, so that one burst
// does not fill the list. Live bytes are those of the curves. A few kilobytes a worker. One thread at a time;
// allocates.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "analysis/in_flight_sweep.h"
#include "heapledger/interference.h"
#include "recording/rows.h"

namespace heapledger::analysis {

class HighestMoments {
 public:
  static constexpr std::int64_t kSpans = 200;
  static constexpr std::size_t kKept = 20;

  explicit HighestMoments(std::int64_t end_us) : span_us_(end_us / kSpans + 1) {}

  void add(std::int64_t worker, const MomentView& moment);

  // Highest first. Endpoints are indexes into `endpoints`.
  std::vector<SharedMoment> describe(const std::vector<recording::EndpointRow>& endpoints,
                                     std::int64_t started_unix_us) const;

 private:
  struct Part {
    std::uint32_t endpoint;
    std::uint32_t requests;
    double live_bytes;
  };
  struct Moment {
    std::int64_t at_us = 0;
    double bytes = -1;
    std::vector<Part> parts;
  };

  std::int64_t span_us_;
  std::map<std::pair<std::int64_t, std::int64_t>, Moment> moments_;  // by worker and span
};

// In how many of the moments both had a request in flight, of one endpoint two.
std::uint64_t times_together(const std::vector<SharedMoment>& moments, const EndpointId& one, const EndpointId& other);

}  // namespace heapledger::analysis
