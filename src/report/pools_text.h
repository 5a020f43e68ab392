// `heapledger pools` as text: for each pool its figures, its leaks and what its settings should be. Pure function of
// its arguments; thread-safe; allocates. Every string of the service passes printable().
#pragma once

#include <string>

#include "heapledger/pool_monitor.h"
#include "report/text_style.h"

namespace heapledger::report {

std::string pools_text(const analysis::PoolsResult& result, const TextStyle& style);

}  // namespace heapledger::report
