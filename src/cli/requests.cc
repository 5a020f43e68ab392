// `heapledger requests`: what every endpoint's requests cost in memory.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "cli/analysis_flags.h"
#include "cli/messages.h"
#include "cli/requests_interference.h"
#include "cli/requests_lifecycle.h"
#include "cli/verb.h"
#include "heapledger/request_isolator.h"
#include "report/requests_lines.h"
#include "report/requests_text.h"

namespace heapledger::cli {
namespace {

struct Flags {
  std::string recording = "./heapledger.db";
  std::string format = "text";
  std::vector<std::string> routes;
  std::vector<std::string> methods;
  std::vector<std::string> workers;
  std::optional<std::string> since;
  std::optional<std::string> until;
  std::string warmup = "0";
  std::string sort = "cost";
  std::optional<std::string> limit;
  LifecycleFlags lifecycle;
  bool interference = false;
};

analysis::RequestsOptions options_of(const Flags& flags) {
  analysis::RequestsOptions options;
  options.routes = flags.routes;
  options.methods = flags.methods;
  options.workers = parse_workers("requests", flags.workers);
  if (flags.since) {
    options.since = parse_flag("requests", "--since", *flags.since, analysis::Moment::parse);
  }
  if (flags.until) {
    options.until = parse_flag("requests", "--until", *flags.until, analysis::Moment::parse);
  }
  options.warmup_us = parse_flag("requests", "--warmup", flags.warmup, analysis::parse_duration_us);
  options.sort = parse_flag("requests", "--sort", flags.sort, analysis::parse_requests_sort);
  if (flags.limit) {
    options.limit = static_cast<std::size_t>(parse_flag("requests", "--limit", *flags.limit, parse_number));
  }
  return options;
}

std::string render(const analysis::RequestsResult& result, const std::string& format) {
  if (format == "json") {
    return result.to_json();
  }
  if (format == "csv") {
    return result.to_csv();
  }
  report::RequestsTextOptions options;
  options.style = report::style_of(STDOUT_FILENO);
  return report::requests_text(result, options);
}

void print_costs(const Flags& flags, const analysis::RequestsOptions& options) {
  const analysis::RequestsResult result = analysis::RequestIsolator(flags.recording).analyze(options);
  write_stdout(render(result, flags.format));
  if (flags.format != "text") {  // which says it itself
    for (const std::string& line : report::unmatched_lines(result.unmatched)) say(line);
  }
}

void print(const Flags& flags) {
  const analysis::RequestsOptions options = options_of(flags);
  try {
    if (flags.lifecycle.route) {
      print_lifecycle(flags.recording, flags.format, flags.lifecycle, options);
    } else if (flags.interference) {
      print_interference(flags.recording, flags.format, options);
    } else {
      print_costs(flags, options);
    }
  } catch (const std::invalid_argument& error) {
    throw CommandError(error.what(), "heapledger requests --format json lists the workers");
  }
}

void declare(CLI::App& verb, Flags& flags) {
  add_recording_and_format(verb, flags.recording, flags.format);
  add_endpoint_choice(verb, flags.routes, flags.methods);
  add_worker_choice(verb, flags.workers);
  verb.add_option("--since", flags.since,
                  "only requests started from then on: 90s or 5m after the start, -5m before the "
                  "end, or 2026-11-24T14:05:33Z")
      ->type_name("TIME");
  verb.add_option("--until", flags.until, "only requests started before then")->type_name("TIME");
  verb.add_option("--warmup", flags.warmup, "leave out the requests started so soon after the recording did")
      ->type_name("DURATION")
      ->capture_default_str();
  verb.add_option("--sort", flags.sort,
                  "cost, requests, errors, peak, allocated, escaped, retained, duration, concurrency or route")
      ->type_name("BY")
      ->capture_default_str();
  verb.add_option("--limit", flags.limit,
                  "show so many endpoints, 0 for all (default: " + std::to_string(analysis::kTextLimit) +
                      " in text, all in json and csv)")
      ->type_name("N");
  add_lifecycle(verb, flags.lifecycle);
  add_interference(verb, flags.interference);
}

}  // namespace

void add_requests(CLI::App& app, int& status) {
  CLI::App* verb = app.add_subcommand("requests", "what every endpoint's requests cost in memory");
  const auto flags = std::make_shared<Flags>();
  declare(*verb, *flags);
  verb->callback([flags, &status] {
    print(*flags);
    status = kExitFine;
  });
}

}  // namespace heapledger::cli
