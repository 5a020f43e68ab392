// `heapledger requests`: what every endpoint's requests cost in memory.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "cli/messages.h"
#include "cli/verb.h"
#include "heapledger/analysis.h"
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
};

std::int64_t parse_number(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) {
    throw std::invalid_argument("\"" + text + "\" is not a number from 0 up");
  }
  return number;
}

// A wrong value is told with the flag it was given to.
template <class Parse>
auto parse_flag(const char* flag, const std::string& value, Parse parse) {
  try {
    return parse(value);
  } catch (const std::invalid_argument& error) {
    throw CommandError(std::string(flag) + ": " + error.what(), "heapledger requests --help lists what can be given");
  }
}

analysis::RequestsOptions options_of(const Flags& flags) {
  analysis::RequestsOptions options;
  options.routes = flags.routes;
  options.methods = flags.methods;
  for (const std::string& worker : flags.workers) {
    options.workers.push_back(parse_flag("--worker", worker, parse_number));
  }
  if (flags.since) {
    options.since = parse_flag("--since", *flags.since, analysis::Moment::parse);
  }
  if (flags.until) {
    options.until = parse_flag("--until", *flags.until, analysis::Moment::parse);
  }
  options.warmup_us = parse_flag("--warmup", flags.warmup, analysis::parse_duration_us);
  options.sort = parse_flag("--sort", flags.sort, analysis::parse_requests_sort);
  if (flags.limit) {
    options.limit = static_cast<std::size_t>(parse_flag("--limit", *flags.limit, parse_number));
  }
  return options;
}

analysis::RequestsResult analyze(const Flags& flags) {
  const analysis::RequestsOptions options = options_of(flags);
  try {
    return analysis::RequestIsolator(flags.recording).analyze(options);
  } catch (const std::invalid_argument& error) {
    throw CommandError(error.what(), "heapledger requests --format json lists the workers");
  }
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

// Each of these may be given several times, with one value each: the next word may be the recording.
void add_repeatable(CLI::App& verb, const std::string& name, std::vector<std::string>& values, const std::string& help,
                    const std::string& type) {
  verb.add_option(name, values, help)->type_name(type)->allow_extra_args(false);
}

void declare(CLI::App& verb, Flags& flags) {
  verb.add_option("RECORDING", flags.recording, "file that `heapledger run` wrote")
      ->type_name("")
      ->capture_default_str();
  verb.add_option("--format", flags.format, "text, json or csv")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json", "csv"}))
      ->capture_default_str();
  add_repeatable(verb, "--route", flags.routes, "only this route template; * stands for any characters", "ROUTE");
  add_repeatable(verb, "--method", flags.methods, "only this HTTP method", "METHOD");
  add_repeatable(verb, "--worker", flags.workers, "only this worker, by its number in the report", "N");
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
}

}  // namespace

void add_requests(CLI::App& app, int& status) {
  CLI::App* verb = app.add_subcommand("requests", "what every endpoint's requests cost in memory");
  const auto flags = std::make_shared<Flags>();
  declare(*verb, *flags);
  verb->callback([flags, &status] {
    const analysis::RequestsResult result = analyze(*flags);
    write_stdout(render(result, flags->format));
    if (flags->format != "text") {  // which says it itself
      for (const std::string& line : report::unmatched_lines(result.unmatched)) say(line);
    }
    status = kExitFine;
  });
}

}  // namespace heapledger::cli
