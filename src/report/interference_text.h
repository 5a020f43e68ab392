// `heapledger requests --interference` as text. Pure function of its arguments; thread-safe; allocates. Every string of
// the service passes printable().
#pragma once

#include <string>

#include "heapledger/interference.h"
#include "report/text_style.h"

namespace heapledger::report {

std::string interference_text(const analysis::InterferenceResult& result, const TextStyle& style);

}  // namespace heapledger::report
