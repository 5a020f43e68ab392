// `heapledger limits` as text. Pure function of its arguments; thread-safe; allocates. Every string of the service
// passes printable().
#pragma once

#include <string>

#include "heapledger/rate_limiter.h"
#include "report/text_style.h"

namespace heapledger::report {

std::string limits_text(const analysis::LimitsResult& result, const TextStyle& style);

}  // namespace heapledger::report
