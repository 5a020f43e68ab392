// `heapledger leaks`: which endpoints keep memory, how much a request, and at which line.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "cli/analysis_flags.h"
#include "cli/messages.h"
#include "cli/size_text.h"
#include "cli/verb.h"
#include "heapledger/request_isolator.h"
#include "report/leaks_text.h"
#include "report/requests_lines.h"

namespace heapledger::cli {
namespace {

struct Flags {
  std::string recording = "./heapledger.db";
  std::string format = "text";
  std::vector<std::string> routes;
  std::vector<std::string> methods;
  std::vector<std::string> workers;
  std::optional<std::string> memory_limit;
  std::optional<std::string> limit;
  std::optional<std::string> fail_on;
};

analysis::LeaksOptions options_of(const Flags& flags) {
  analysis::LeaksOptions options;
  options.routes = flags.routes;
  options.methods = flags.methods;
  options.workers = parse_workers("leaks", flags.workers);
  if (flags.memory_limit) {
    options.memory_limit_bytes =
        static_cast<std::uint64_t>(parse_flag("leaks", "--memory-limit", *flags.memory_limit, parse_size));
  }
  if (flags.limit) {
    options.limit = static_cast<std::size_t>(parse_flag("leaks", "--limit", *flags.limit, parse_number));
  }
  return options;
}

analysis::LeaksResult analyze(const Flags& flags) {
  const analysis::LeaksOptions options = options_of(flags);
  try {
    return analysis::RequestIsolator(flags.recording).leaks(options);
  } catch (const std::invalid_argument& error) {
    throw CommandError(error.what(), "heapledger requests --format json lists the workers");
  }
}

std::string render(const analysis::LeaksResult& result, const std::string& format) {
  if (format == "json") {
    return result.to_json();
  }
  return format == "csv" ? result.to_csv() : report::leaks_text(result, report::style_of(STDOUT_FILENO));
}

int gate_status(const Flags& flags, const analysis::LeaksResult& result) {
  if (!flags.fail_on) {
    return kExitFine;
  }
  const std::optional<bool> leak = result.has_leak();
  return leak ? (*leak ? kExitGateFailed : kExitFine) : kExitGateUnjudged;
}

void declare(CLI::App& verb, Flags& flags) {
  add_recording_and_format(verb, flags.recording, flags.format);
  add_endpoint_choice(verb, flags.routes, flags.methods);
  add_worker_choice(verb, flags.workers);
  verb.add_option("--memory-limit", flags.memory_limit,
                  "memory that the service may take, as 512MiB: says when a leak has filled it")
      ->type_name("SIZE");
  verb.add_option("--fail-on", flags.fail_on,
                  "leak: exit with 1 when there is a leak, with 3 when no endpoint could be judged")
      ->type_name("VERDICT")
      ->check(CLI::IsMember({"leak"}));
  verb.add_option("--limit", flags.limit,
                  "show so many findings, 0 for all (default: " + std::to_string(analysis::kTextLimit) +
                      " in text, all in json and csv)")
      ->type_name("N");
}

}  // namespace

void add_leaks(CLI::App& app, int& status) {
  CLI::App* verb = app.add_subcommand("leaks", "which endpoints keep memory, how much a request, and at which line");
  const auto flags = std::make_shared<Flags>();
  declare(*verb, *flags);
  verb->callback([flags, &status] {
    const analysis::LeaksResult result = analyze(*flags);
    write_stdout(render(result, flags->format));
    if (flags->format != "text") {  // which says it itself
      for (const std::string& line : report::unmatched_lines(result.unmatched)) say(line);
    }
    status = gate_status(*flags, result);
  });
}

}  // namespace heapledger::cli
