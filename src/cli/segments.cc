// `heapledger segments`: what kinds of memory the processes hold, what they share, whose blocks go where.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "cli/analysis_flags.h"
#include "cli/verb.h"
#include "heapledger/request_isolator.h"
#include "report/segments_text.h"

namespace heapledger::cli {
namespace {

struct Flags {
  std::string recording = "./heapledger.db";
  std::string format = "text";
  std::vector<std::string> workers;
};

analysis::SegmentsResult analyze(const Flags& flags) {
  analysis::SegmentsOptions options;
  options.workers = parse_workers("segments", flags.workers);
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
  add_recording_and_format(*verb, flags->recording, flags->format);
  add_worker_choice(*verb, flags->workers);
  verb->callback([flags, &status] {
    write_stdout(render(analyze(*flags), flags->format));
    status = kExitFine;
  });
}

}  // namespace heapledger::cli
