// The workers of `heapledger segments` as CSV: a row for each kind of memory of each, and one for a worker that could
// not be read. Pure function; thread-safe; allocates.
#pragma once

#include <string>

#include "heapledger/segments.h"

namespace heapledger::report {

std::string segments_csv(const analysis::SegmentsResult& result);

}  // namespace heapledger::report
