// `heapledger requests` as text, for the verb itself and for the end of `heapledger run`.
//
// First the service, then a line per endpoint, then what the `!` marks mean, whether the books balance, where the
// process's memory is, who held it at the highest moment, and what to do next. Pure function of its arguments; thread-
// safe; allocates. Every string of the service passes printable().
#pragma once

#include <string>

#include "heapledger/requests.h"
#include "report/text_style.h"

namespace heapledger::report {

struct RequestsTextOptions {
  TextStyle style;
  // At the end of a run the next step is `heapledger requests` itself, on the recording just made.
  bool after_run = false;
};

std::string requests_text(const analysis::RequestsResult& result, const RequestsTextOptions& options);

}  // namespace heapledger::report
