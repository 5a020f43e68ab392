// `heapledger pools`: what connection pools hold, who holds it, and what size they should have.
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
#include "heapledger/pool_monitor.h"
#include "report/pools_text.h"
#include "report/requests_lines.h"

namespace heapledger::cli {
namespace {

struct Flags {
  std::string recording = "./heapledger.db";
  std::string format = "text";
  std::vector<std::string> pools;
  std::vector<std::string> workers;
  std::optional<std::string> memory_limit;
  std::optional<std::string> limit;
  std::optional<std::string> fail_on;
};

analysis::PoolsOptions options_of(const Flags& flags) {
  analysis::PoolsOptions options;
  options.pools = flags.pools;
  options.workers = parse_workers("pools", flags.workers);
  if (flags.memory_limit) {
    options.memory_limit_bytes =
        static_cast<std::uint64_t>(parse_flag("pools", "--memory-limit", *flags.memory_limit, parse_size));
  }
  if (flags.limit) {
    options.limit = static_cast<std::size_t>(parse_flag("pools", "--limit", *flags.limit, parse_number));
  }
  return options;
}

analysis::PoolsResult analyze(const Flags& flags) {
  const analysis::PoolsOptions options = options_of(flags);
  try {
    return analysis::PoolMonitor(flags.recording).analyze(options);
  } catch (const std::invalid_argument& error) {
    throw CommandError(error.what(), "heapledger requests --format json lists the workers");
  }
}

std::string render(const analysis::PoolsResult& result, const std::string& format) {
  if (format == "json") {
    return result.to_json();
  }
  return format == "csv" ? result.to_csv() : report::pools_text(result, report::style_of(STDOUT_FILENO));
}

int gate_status(const Flags& flags, const analysis::PoolsResult& result) {
  if (!flags.fail_on) {
    return kExitFine;
  }
  const std::optional<bool> leak = result.has_leak();
  return leak ? (*leak ? kExitGateFailed : kExitFine) : kExitGateUnjudged;
}

void declare(CLI::App& verb, Flags& flags) {
  add_recording_and_format(verb, flags.recording, flags.format);
  add_repeatable(verb, "--pool", flags.pools, "only this pool, by its name; * stands for any characters", "NAME");
  add_worker_choice(verb, flags.workers);
  verb.add_option("--memory-limit", flags.memory_limit,
                  "memory that the service may take, as 512MiB: no size is recommended that does not fit")
      ->type_name("SIZE");
  verb.add_option("--fail-on", flags.fail_on,
                  "leak: exit with 1 when a connection was lost, with 3 when no pool was used")
      ->type_name("VERDICT")
      ->check(CLI::IsMember({"leak"}));
  verb.add_option("--limit", flags.limit,
                  "show so many leaks and endpoints of each pool, 0 for all (default: " +
                      std::to_string(analysis::kTextLimit) + " in text, all in json and csv)")
      ->type_name("N");
}

}  // namespace

void add_pools(CLI::App& app, int& status) {
  CLI::App* verb =
      app.add_subcommand("pools", "what connection pools hold, who holds it, and what size they should have");
  const auto flags = std::make_shared<Flags>();
  declare(*verb, *flags);
  verb->callback([flags, &status] {
    const analysis::PoolsResult result = analyze(*flags);
    write_stdout(render(result, flags->format));
    if (flags->format != "text") {  // which says it itself
      for (const std::string& line : report::unmatched_lines(result.unmatched)) say(line);
    }
    status = gate_status(*flags, result);
  });
}

}  // namespace heapledger::cli
