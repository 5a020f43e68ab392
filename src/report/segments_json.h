// The document heapledger.segments/1. Pure functions; thread-safe; allocate.
#pragma once

#include "heapledger/segments.h"
#include "report/json_document.h"

namespace heapledger::report {

Json segments_document(const analysis::SegmentsResult& result);

// What one object of the list `workers` says of the process itself, without its segments.
Json segments_worker_row(const analysis::SegmentsWorker& worker);

Json segment_row(const analysis::Segment& segment);

}  // namespace heapledger::report
