// The highest moment of each worker, and which requests held it.
//
// The ledger keeps one moment a worker, not the highest within any window. So a peak within the chosen time is listed
// only where none can have been higher there: no chosen worker had a higher one outside of it. Pure functions;
// allocate; fork-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "analysis/endpoint_names.h"
#include "analysis/recording_tables.h"
#include "analysis/selection.h"
#include "heapledger/requests.h"

namespace heapledger::analysis {

// Highest first.
std::vector<Peak> describe_peaks(const RecordingTables& tables, const EndpointNames& names, const Selection& selection);

// When the highest moment of all chosen workers was, where that is outside of the chosen time.
std::optional<std::int64_t> peak_outside_unix_us(const RecordingTables& tables, const Selection& selection);

}  // namespace heapledger::analysis
