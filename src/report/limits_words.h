// What `heapledger limits` says in words: the lines around its table. Pure functions; thread-safe; allocate.
#pragma once

#include <string>
#include <vector>

#include "heapledger/rate_limiter.h"
#include "report/labelled_lines.h"

namespace heapledger::report {

// Why no limit can be stated, in one line; empty where they can.
std::string missing_words(const analysis::LimitsResult& result);

std::string budget_words(const analysis::LimitsResult& result);
std::string risk_words(const analysis::LimitsResult& result);
// "0.4 a day [0.1, 1.6]".
std::string scenario_words(const analysis::ExhaustionScenario& row);
// "0.60", "27.7", "1,240".
std::string rate_words(double per_second);

// After the table: what goes first, limits of the whole, other scenarios, strategies, notes.
std::vector<LabelledLine> limit_lines(const analysis::LimitsResult& result);

}  // namespace heapledger::report
