// The text of `heapledger payloads`: a block of labelled lines for every endpoint that has bodies. Pure functions;
// thread-safe; allocate.
#pragma once

#include <string>

#include "heapledger/payload_analyzer.h"
#include "report/text_style.h"

namespace heapledger::report {

std::string payloads_text(const analysis::PayloadsResult& result, const TextStyle& style);

}  // namespace heapledger::report
