// The sentences of `heapledger requests --lifecycle`, each one fact. Pure functions; thread-safe; allocate. An empty
// string means that there is nothing to say.
#pragma once

#include <string>

#include "heapledger/lifecycle.h"

namespace heapledger::report {

// Why there is none; empty when there is.
std::string missing_series(const analysis::EndpointLifecycle& endpoint);
std::string missing_phases(const analysis::EndpointLifecycle& endpoint);
std::string missing_survival(const analysis::EndpointLifecycle& endpoint);

std::string lifecycle_headline(const analysis::EndpointLifecycle& endpoint);
// "handle         81.2 ms    8.0 MiB at its highest    8.1 MiB allocated", of the median request.
std::string phase_line(const analysis::LifecyclePhase& phase);
std::string peak_time_line(const analysis::EndpointLifecycle& endpoint);
std::string released_line(const analysis::EndpointLifecycle& endpoint);
std::string after_response_line(const analysis::EndpointLifecycle& endpoint);
std::string survival_line(const analysis::EndpointLifecycle& endpoint);

}  // namespace heapledger::report
