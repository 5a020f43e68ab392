// The highest moment of each worker, and which requests held it. A worker's peak outside of the chosen time is left
// out: the ledger keeps one moment, not the highest within any window. Pure function; allocates; fork-safe.
#pragma once

#include <vector>

#include "analysis/endpoint_names.h"
#include "analysis/recording_tables.h"
#include "analysis/selection.h"
#include "heapledger/analysis.h"

namespace heapledger::analysis {

// Highest first.
std::vector<Peak> describe_peaks(const RecordingTables& tables, const EndpointNames& names, const Selection& selection);

}  // namespace heapledger::analysis
