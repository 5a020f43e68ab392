// Which lines the requests of an endpoint allocate at, as means over all its requests in the chosen workers: sums of
// sampled blocks, each counted for those it stands for, divided by the requests that ended. The books of sites know no
// single requests: a chosen time does not restrict them. Pure; allocates; one thread at a time.
#pragma once

#include <vector>

#include "analysis/recording_tables.h"
#include "analysis/selection.h"
#include "analysis/site_groups.h"
#include "heapledger/sites.h"
#include "recording/rows.h"

namespace heapledger::analysis {

// By endpoint, largest allocated bytes first. None for an endpoint whose ended requests were not counted.
std::vector<RequestSite> sites_of_requests(const RecordingTables& tables, const SiteTables& code,
                                           const std::vector<recording::EndpointLifeRow>& lives,
                                           const Selection& selection);

}  // namespace heapledger::analysis
