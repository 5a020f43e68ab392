// `heapledger leaks` as text: a paragraph for each endpoint that keeps memory, a line for those that do not. Pure
// function of its arguments; thread-safe; allocates. Every string of the service passes printable().
#pragma once

#include <string>

#include "heapledger/leaks.h"
#include "report/text_style.h"

namespace heapledger::report {

std::string leaks_text(const analysis::LeaksResult& result, const TextStyle& style);

}  // namespace heapledger::report
