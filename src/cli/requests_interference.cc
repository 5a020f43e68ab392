#include "cli/requests_interference.h"

#include <unistd.h>

#include "cli/messages.h"
#include "cli/verb.h"
#include "heapledger/request_isolator.h"
#include "report/interference_text.h"
#include "report/requests_lines.h"
#include "report/text_style.h"

namespace heapledger::cli {

void add_interference(CLI::App& verb, bool& interference) {
  CLI::Option* flag = verb.add_flag("--interference", interference,
                                    "what runs beside what, and how durations and peaks differ when it does");
  for (const char* other : {"--lifecycle", "--sort"}) flag->excludes(verb.get_option(other));
}

void print_interference(const std::string& recording, const std::string& format,
                        const analysis::RequestsOptions& chosen) {
  analysis::InterferenceOptions options;
  options.routes = chosen.routes;
  options.methods = chosen.methods;
  options.workers = chosen.workers;
  options.since = chosen.since;
  options.until = chosen.until;
  options.warmup_us = chosen.warmup_us;
  options.limit = chosen.limit;
  const analysis::InterferenceResult result = analysis::RequestIsolator(recording).interference(options);
  if (format == "text") {
    write_stdout(report::interference_text(result, report::style_of(STDOUT_FILENO)));
    return;
  }
  write_stdout(format == "json" ? result.to_json() : result.to_csv());
  for (const std::string& line : report::unmatched_lines(result.unmatched)) say(line);
}

}  // namespace heapledger::cli
