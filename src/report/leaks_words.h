// The sentences of `heapledger leaks`: each one fact of a finding in words. Pure functions; thread-safe; allocate.
#pragma once

#include <string>
#include <vector>

#include "heapledger/leaks.h"

namespace heapledger::report {

// Why the verdict is what it is, or what is missing for one.
std::string leak_reason(const analysis::LeakFinding& finding);

// "64.0 KiB a request, 62.8 MiB retained after 1,004": what follows the endpoint's name.
std::string leak_figures(const analysis::LeakFinding& finding);

// "512 MiB in about 1,600 requests, 9 min", or why that cannot be said.
std::string limit_words(const analysis::LeaksResult& result, const analysis::LeakFinding& finding);

// "about" figures: two digits of them.
std::string about_count(double count);
std::string about_duration(double seconds);

}  // namespace heapledger::report
