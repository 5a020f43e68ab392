// `heapledger payloads`: what a byte on the wire costs in memory.
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
#include "cli/verb.h"
#include "heapledger/payload_analyzer.h"
#include "report/payloads_text.h"
#include "report/requests_lines.h"

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
  std::string sort = "requirement";
  std::optional<std::string> limit;
};

analysis::PayloadsOptions options_of(const Flags& flags) {
  analysis::PayloadsOptions options;
  options.routes = flags.routes;
  options.methods = flags.methods;
  options.workers = parse_workers("payloads", flags.workers);
  if (flags.since) {
    options.since = parse_flag("payloads", "--since", *flags.since, analysis::Moment::parse);
  }
  if (flags.until) {
    options.until = parse_flag("payloads", "--until", *flags.until, analysis::Moment::parse);
  }
  options.warmup_us = parse_flag("payloads", "--warmup", flags.warmup, analysis::parse_duration_us);
  options.sort = parse_flag("payloads", "--sort", flags.sort, analysis::parse_payloads_sort);
  if (flags.limit) {
    options.limit = static_cast<std::size_t>(parse_flag("payloads", "--limit", *flags.limit, parse_number));
  }
  return options;
}

analysis::PayloadsResult analyze(const Flags& flags) {
  const analysis::PayloadsOptions options = options_of(flags);
  try {
    return analysis::PayloadAnalyzer(flags.recording).analyze(options);
  } catch (const std::invalid_argument& error) {
    throw CommandError(error.what(), "heapledger requests --format json lists the workers");
  }
}

std::string render(const analysis::PayloadsResult& result, const std::string& format) {
  if (format == "json") {
    return result.to_json();
  }
  return format == "csv" ? result.to_csv() : report::payloads_text(result, report::style_of(STDOUT_FILENO));
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
  verb.add_option("--sort", flags.sort, "requirement, amplification, request, response, requests or route")
      ->type_name("BY")
      ->capture_default_str();
  verb.add_option("--limit", flags.limit,
                  "show so many endpoints, 0 for all (default: " + std::to_string(analysis::kTextLimit) +
                      " in text, all in json and csv)")
      ->type_name("N");
}

}  // namespace

void add_payloads(CLI::App& app, int& status) {
  CLI::App* verb =
      app.add_subcommand("payloads", "what a byte on the wire costs in memory, and what streaming would save");
  const auto flags = std::make_shared<Flags>();
  declare(*verb, *flags);
  verb->callback([flags, &status] {
    const analysis::PayloadsResult result = analyze(*flags);
    write_stdout(render(result, flags->format));
    if (flags->format != "text") {  // which says it itself
      for (const std::string& line : report::unmatched_lines(result.unmatched)) say(line);
    }
    status = kExitFine;
  });
}

}  // namespace heapledger::cli
