// `heapledger requests --lifecycle` as text. Pure function of its arguments; thread-safe; allocates. Every string of
// the service passes printable().
#pragma once

#include <string>

#include "heapledger/lifecycle.h"
#include "report/text_style.h"

namespace heapledger::report {

std::string lifecycle_text(const analysis::LifecycleResult& result, const TextStyle& style);

}  // namespace heapledger::report
