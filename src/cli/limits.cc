// `heapledger limits`: how much traffic the memory holds, and which limits keep it there.
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
#include "heapledger/rate_limiter.h"
#include "report/limits_text.h"

namespace heapledger::cli {
namespace {

struct Flags {
  std::string recording = "./heapledger.db";
  std::string format = "text";
  std::vector<std::string> routes;
  std::vector<std::string> methods;
  std::optional<std::string> since;
  std::optional<std::string> until;
  std::optional<std::string> warmup;
  std::optional<std::string> memory_limit;
  std::optional<std::string> risk;
  std::optional<std::string> limit;
  std::optional<std::string> emit;
  std::optional<std::string> fail_on;
};

analysis::LimitsOptions options_of(const Flags& flags) {
  analysis::LimitsOptions options;
  options.routes = flags.routes;
  options.methods = flags.methods;
  if (flags.since) {
    options.since = parse_flag("limits", "--since", *flags.since, analysis::Moment::parse);
  }
  if (flags.until) {
    options.until = parse_flag("limits", "--until", *flags.until, analysis::Moment::parse);
  }
  if (flags.warmup) {
    options.warmup_us = parse_flag("limits", "--warmup", *flags.warmup, analysis::parse_duration_us);
  }
  if (flags.memory_limit) {
    options.memory_limit_bytes =
        static_cast<std::uint64_t>(parse_flag("limits", "--memory-limit", *flags.memory_limit, parse_size));
  }
  if (flags.risk) {
    options.risk_us = parse_flag("limits", "--risk", *flags.risk, analysis::parse_duration_us);
  }
  if (flags.limit) {
    options.limit = static_cast<std::size_t>(parse_flag("limits", "--limit", *flags.limit, parse_number));
  }
  return options;
}

analysis::LimitsResult analyze(const Flags& flags) {
  if (flags.emit && (!flags.routes.empty() || !flags.methods.empty())) {
    throw CommandError("--emit limits all endpoints: it goes with no --route and no --method",
                       "heapledger limits --help lists what can be given");
  }
  const analysis::LimitsOptions options = options_of(flags);
  try {
    return analysis::RateLimiter(flags.recording).analyze(options);
  } catch (const std::invalid_argument& error) {
    throw CommandError(error.what(), "heapledger limits --help lists what can be given");
  }
}

std::string render(const analysis::LimitsResult& result, const std::string& format) {
  if (format == "json") {
    return result.to_json();
  }
  return format == "csv" ? result.to_csv() : report::limits_text(result, report::style_of(STDOUT_FILENO));
}

// A configuration that could not be written is no configuration: nothing on stdout.
std::string emitted(const Flags& flags, const analysis::LimitsResult& result) {
  try {
    return result.emit(analysis::parse_emit_target(*flags.emit));
  } catch (const std::invalid_argument& error) {
    throw CommandError(error.what(), "heapledger limits without --emit shows what is known", kExitGateUnjudged);
  }
}

int gate_status(const Flags& flags, const analysis::LimitsResult& result) {
  if (!flags.fail_on) {
    return kExitFine;
  }
  const std::optional<bool> over = result.over_risk();
  return over ? (*over ? kExitGateFailed : kExitFine) : kExitGateUnjudged;
}

void declare(CLI::App& verb, Flags& flags) {
  add_recording_and_format(verb, flags.recording, flags.format);
  add_endpoint_choice(verb, flags.routes, flags.methods);
  verb.add_option("--since", flags.since, "only traffic that started then or later: 90s, -5m, 2026-11-24T14:05")
      ->type_name("TIME");
  verb.add_option("--until", flags.until, "only traffic that started before")->type_name("TIME");
  verb.add_option("--warmup", flags.warmup, "leave out the traffic that started so soon")->type_name("DURATION");
  verb.add_option("--memory-limit", flags.memory_limit,
                  "memory that the service may take, as 512MiB, in place of the recorded limit")
      ->type_name("SIZE");
  verb.add_option("--risk", flags.risk, "at most one exceedance in this time (default: 30d)")->type_name("DURATION");
  verb.add_option("--emit", flags.emit, "print a configuration that holds these limits")
      ->type_name("TARGET")
      ->check(CLI::IsMember({"nginx", "gunicorn", "uvicorn", "flask-limiter", "slowapi"}));
  verb.add_option("--fail-on", flags.fail_on,
                  "risk: exit with 1 when the recorded traffic is over the risk, with 3 when that cannot be told")
      ->type_name("VERDICT")
      ->check(CLI::IsMember({"risk"}));
  verb.add_option("--limit", flags.limit,
                  "show so many endpoints, 0 for all (default: " + std::to_string(analysis::kTextLimit) +
                      " in text, all in json and csv)")
      ->type_name("N");
}

}  // namespace

void add_limits(CLI::App& app, int& status) {
  CLI::App* verb = app.add_subcommand("limits", "how much traffic the memory holds, and which limits keep it there");
  const auto flags = std::make_shared<Flags>();
  declare(*verb, *flags);
  verb->callback([flags, &status] {
    const analysis::LimitsResult result = analyze(*flags);
    write_stdout(flags->emit ? emitted(*flags, result) : render(result, flags->format));
    status = gate_status(*flags, result);
  });
}

}  // namespace heapledger::cli
