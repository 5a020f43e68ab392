// `heapledger versions`: what a new version of an API, or of the service, does to memory.
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
#include "heapledger/version_comparator.h"
#include "report/requests_lines.h"
#include "report/versions_text.h"

namespace heapledger::cli {
namespace {

struct Flags {
  std::string recording = "./heapledger.db";
  std::string format = "text";
  std::optional<std::string> other;
  std::vector<std::string> routes;
  std::vector<std::string> methods;
  std::vector<std::string> workers;
  std::optional<std::string> since;
  std::optional<std::string> until;
  std::string warmup = "0";
  std::optional<std::string> memory_limit;
  std::optional<std::string> limit;
  std::optional<std::string> fail_on;
  bool report = false;
};

analysis::VersionsOptions options_of(const Flags& flags) {
  analysis::VersionsOptions options;
  options.routes = flags.routes;
  options.methods = flags.methods;
  options.workers = parse_workers("versions", flags.workers);
  if (flags.since) {
    options.since = parse_flag("versions", "--since", *flags.since, analysis::Moment::parse);
  }
  if (flags.until) {
    options.until = parse_flag("versions", "--until", *flags.until, analysis::Moment::parse);
  }
  options.warmup_us = parse_flag("versions", "--warmup", flags.warmup, analysis::parse_duration_us);
  if (flags.memory_limit) {
    options.memory_limit_bytes =
        static_cast<std::uint64_t>(parse_flag("versions", "--memory-limit", *flags.memory_limit, parse_size));
  }
  if (flags.limit) {
    options.limit = static_cast<std::size_t>(parse_flag("versions", "--limit", *flags.limit, parse_number));
  }
  options.report = flags.report;
  return options;
}

analysis::VersionsResult analyze(const Flags& flags) {
  const analysis::VersionsOptions options = options_of(flags);
  try {
    return analysis::VersionComparator(flags.recording, flags.other).analyze(options);
  } catch (const std::invalid_argument& error) {
    throw CommandError(error.what(), "heapledger requests --format json lists the workers");
  }
}

std::string render(const analysis::VersionsResult& result, const std::string& format) {
  if (format == "json") {
    return result.to_json();
  }
  return format == "csv" ? result.to_csv() : report::versions_text(result, report::style_of(STDOUT_FILENO));
}

int gate_status(const Flags& flags, const analysis::VersionsResult& result) {
  if (!flags.fail_on) {
    return kExitFine;
  }
  const std::optional<bool> regression = result.has_regression();
  return regression ? (*regression ? kExitGateFailed : kExitFine) : kExitGateUnjudged;
}

void declare(CLI::App& verb, Flags& flags) {
  add_recording_and_format(verb, flags.recording, flags.format);
  verb.add_option("OTHER", flags.other, "recording after a change, RECORDING being before it")->type_name("");
  add_endpoint_choice(verb, flags.routes, flags.methods);
  add_worker_choice(verb, flags.workers);
  verb.add_option("--since", flags.since, "only requests that started then or later: 90s, -5m, 2026-11-24T14:05:33Z")
      ->type_name("TIME");
  verb.add_option("--until", flags.until, "only requests that started before then")->type_name("TIME");
  verb.add_option("--warmup", flags.warmup, "leave out the first requests of the recording, as 30s")
      ->type_name("DURATION")
      ->capture_default_str();
  verb.add_option("--memory-limit", flags.memory_limit,
                  "memory that the service may take, as 512MiB, in place of the recorded limit: what the risk is of")
      ->type_name("SIZE");
  verb.add_flag("--report", flags.report, "write the migration report: capacity on the way, order, what to remove");
  verb.add_option("--fail-on", flags.fail_on,
                  "regression: exit with 1 when there is one, with 3 when no pair could be judged")
      ->type_name("VERDICT")
      ->check(CLI::IsMember({"regression"}));
  verb.add_option("--limit", flags.limit,
                  "show so many pairs, 0 for all (default: " + std::to_string(analysis::kTextLimit) +
                      " in text, all in json and csv)")
      ->type_name("N");
}

}  // namespace

void add_versions(CLI::App& app, int& status) {
  CLI::App* verb = app.add_subcommand("versions", "what a new version of an API, or of the service, does to memory");
  const auto flags = std::make_shared<Flags>();
  declare(*verb, *flags);
  verb->callback([flags, &status] {
    const analysis::VersionsResult result = analyze(*flags);
    write_stdout(render(result, flags->format));
    if (flags->format != "text") {  // which says it itself
      for (const std::string& line : report::unmatched_lines(result.unmatched)) say(line);
    }
    status = gate_status(*flags, result);
  });
}

}  // namespace heapledger::cli
