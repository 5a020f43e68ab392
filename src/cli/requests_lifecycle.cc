#include "cli/requests_lifecycle.h"

#include <unistd.h>

#include <cstddef>

#include "cli/analysis_flags.h"
#include "cli/messages.h"
#include "cli/verb.h"
#include "heapledger/request_isolator.h"
#include "report/lifecycle_text.h"
#include "report/requests_lines.h"
#include "report/text_style.h"

namespace heapledger::cli {
namespace {

analysis::LifecycleOptions options_of(const LifecycleFlags& flags, const analysis::RequestsOptions& chosen) {
  const auto number = [](const char* flag, const std::optional<std::string>& text) {
    return text ? std::optional(static_cast<std::size_t>(parse_flag("requests", flag, *text, parse_number)))
                : std::nullopt;
  };
  analysis::LifecycleOptions options;
  options.route = *flags.route;
  options.methods = chosen.methods;
  options.workers = chosen.workers;
  options.since = chosen.since;
  options.until = chosen.until;
  options.warmup_us = chosen.warmup_us;
  options.slowest = number("--slowest", flags.slowest);
  options.largest = number("--largest", flags.largest);
  return options;
}

}  // namespace

void add_lifecycle(CLI::App& verb, LifecycleFlags& flags) {
  CLI::Option* lifecycle = verb.add_option("--lifecycle", flags.route,
                                           "how the memory of this route's requests comes and goes; * stands for any "
                                           "characters")
                               ->type_name("ROUTE");
  for (const char* other : {"--route", "--sort", "--limit"}) lifecycle->excludes(verb.get_option(other));
  CLI::Option* slowest =
      verb.add_option("--slowest", flags.slowest, "with --lifecycle: name the N slowest requests")->type_name("N");
  CLI::Option* largest =
      verb.add_option("--largest", flags.largest, "with --lifecycle: name the N requests with the highest peaks")
          ->type_name("N");
  slowest->needs(lifecycle)->excludes(largest);
  largest->needs(lifecycle);
}

void print_lifecycle(const std::string& recording, const std::string& format, const LifecycleFlags& flags,
                     const analysis::RequestsOptions& chosen) {
  const analysis::LifecycleResult result = analysis::RequestIsolator(recording).lifecycle(options_of(flags, chosen));
  if (format == "text") {
    write_stdout(report::lifecycle_text(result, report::style_of(STDOUT_FILENO)));
    return;
  }
  write_stdout(format == "json" ? result.to_json() : result.to_csv());
  for (const std::string& line : report::unmatched_lines(result.unmatched)) say(line);
}

}  // namespace heapledger::cli
