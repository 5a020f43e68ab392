// The sentences of `heapledger requests --interference`. Pure functions; thread-safe; allocate.
#pragma once

#include <string>

#include "heapledger/interference.h"

namespace heapledger::report {

// Why a pair could not be compared; empty when it was.
std::string missing_comparison(const analysis::EndpointPair& pair);

// "20:04:23 UTC, worker 1: 46.7 MiB, 8.0 MiB of it in 1 x POST /orders, ..."
std::string moment_words(const analysis::Peak& moment);

// "of the 20 highest moments of all requests: 14 GET /a with POST /b, ..."; empty when no two met.
std::string together_words(const analysis::InterferenceResult& result);

// "2.10x (1.95 to 2.26)"; "~" where none is shown.
std::string duration_words(const analysis::EndpointPair& pair);
std::string peak_words(const analysis::EndpointPair& pair);

}  // namespace heapledger::report
