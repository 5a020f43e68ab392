// `heapledger segments`: what kinds of memory the processes hold, what they share, whose blocks go where.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "cli/verb.h"
#include "heapledger/analysis.h"
#include "report/segments_text.h"

namespace heapledger::cli {
namespace {

struct Flags {
  std::string recording = "./heapledger.db";
  std::string format = "text";
  std::vector<std::string> workers;
};

std::int64_t parse_worker(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) {
    throw CommandError("--worker: \"" + text + "\" is not a number from 0 up",
                       "heapledger segments --help lists what can be given");
  }
  return number;
}

analysis::SegmentsResult analyze(const Flags& flags) {
  analysis::SegmentsOptions options;
  for (const std::string& worker : flags.workers) {
    options.workers.push_back(parse_worker(worker));
  }
  try {
    return analysis::RequestIsolator(flags.recording).segments(options);
  } catch (const std::invalid_argument& error) {
    throw CommandError(error.what(), "heapledger segments --format json lists the workers");
  }
}

std::string render(const analysis::SegmentsResult& result, const std::string& format) {
  if (format == "json") {
    return result.to_json();
  }
  return format == "csv" ? result.to_csv() : report::segments_text(result, report::style_of(STDOUT_FILENO));
}

}  // namespace

void add_segments(CLI::App& app, int& status) {
  CLI::App* verb = app.add_subcommand("segments", "what kinds of memory the processes hold, and what they share");
  const auto flags = std::make_shared<Flags>();
  verb->add_option("RECORDING", flags->recording, "file that `heapledger run` wrote")
      ->type_name("")
      ->capture_default_str();
  verb->add_option("--format", flags->format, "text, json or csv")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json", "csv"}))
      ->capture_default_str();
  verb->add_option("--worker", flags->workers, "only this worker, by its number in the report")
      ->type_name("N")
      ->allow_extra_args(false);
  verb->callback([flags, &status] {
    write_stdout(render(analyze(*flags), flags->format));
    status = kExitFine;
  });
}

}  // namespace heapledger::cli
