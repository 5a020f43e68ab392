// `heapledger segments` as text: a line per process, a line per kind of memory, what sharing saves and what was
// unshared, then the endpoints' blocks and who frees whose. Pure function of its arguments; thread-safe; allocates.
// Every string of the service passes printable().
#pragma once

#include <string>

#include "heapledger/segments.h"
#include "report/text_style.h"

namespace heapledger::report {

std::string segments_text(const analysis::SegmentsResult& result, const TextStyle& style);

}  // namespace heapledger::report
