// The analysis behind `heapledger leaks`, as a pure function of rows.
//
// Every endpoint is judged in every worker that served enough of its requests (endpoint_growth.h), and the verdicts
// are combined: a leak in one worker is a leak. Its bytes a request are the mean over the workers that were judged,
// weighted by their requests, those without a leak counting as zero; the interval adds the workers' half widths in
// quadrature, as the noise of different processes is independent.
// Throws std::invalid_argument for a worker that the recording does not have. Allocates. One thread at a time.
#pragma once

#include <vector>

#include "analysis/recording_tables.h"
#include "analysis/site_groups.h"
#include "heapledger/leaks.h"
#include "recording/rows.h"

namespace heapledger::analysis {

struct LeakTables {
  std::vector<recording::EndpointLifeRow> lives;
  std::vector<recording::CohortRow> cohorts;
  std::vector<recording::RequestSpanRow> spans;
  SiteTables code;
};

LeaksResult find_leaks(const RecordingTables& tables, const LeakTables& survivors, const LeaksOptions& options);

}  // namespace heapledger::analysis
