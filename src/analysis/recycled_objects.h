// Leaks of small objects that may be charged to the wrong endpoint.
//
// The interpreter keeps freed small objects in free lists and hands them out again without asking the allocator: such
// an object stays with the request it was first allocated in. So a leak of one endpoint can show, wholly or in part,
// at another that runs beside it in the same process and builds objects of the same size. Which of them it is, the
// recording cannot tell; that it may be both, it can. Pure; allocates; one thread at a time.
#pragma once

#include "analysis/cohort_series.h"
#include "analysis/endpoint_growth.h"

namespace heapledger::analysis {

inline constexpr std::int64_t kRecycledAtMostBytes = 512;

// True when at least half of what `one` keeps a request is of small sizes that `other` keeps more and more of, too:
// both evenly, or the other at least half as much, or so that only their sum over the recording is even.
bool may_be_others(const CohortSeries& one, const EndpointGrowth& one_growth, const CohortSeries& other,
                   const EndpointGrowth& other_growth);

// True when neither is even for a small size, but their sum is: a leak that was charged to both in turn.
bool is_even_together(const CohortSeries& one, const EndpointGrowth& one_growth, const CohortSeries& other,
                      const EndpointGrowth& other_growth);

}  // namespace heapledger::analysis
