// `heapledger report`: what all analyses say of a recording, in one document.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "cli/messages.h"
#include "cli/verb.h"
#include "heapledger/analysis.h"
#include "report/full_report.h"
#include "report/text_style.h"

namespace heapledger::cli {
namespace {

struct Flags {
  std::string recording = "./heapledger.db";
  std::string format = "text";
};

template <class Result>
void add_part(std::vector<report::ReportPart>& parts, const char* verb, const char* title, const Result& result) {
  parts.push_back({verb, title, result.to_text(), result.to_json()});
}

void print(const Flags& flags) {
  const analysis::RequestIsolator isolator(flags.recording);
  std::vector<report::ReportPart> parts;
  const analysis::RequestsResult requests = isolator.analyze({});
  add_part(parts, "requests", "What requests cost", requests);
  add_part(parts, "leaks", "What is kept", isolator.leaks({}));
  add_part(parts, "segments", "What the processes hold", isolator.segments({}));
  add_part(parts, "payloads", "What bodies cost", analysis::PayloadAnalyzer(flags.recording).analyze({}));
  add_part(parts, "pools", "What connection pools hold", analysis::PoolMonitor(flags.recording).analyze({}));
  add_part(parts, "limits", "How much traffic the memory holds", analysis::RateLimiter(flags.recording).analyze({}));
  add_part(parts, "versions", "What another version does", analysis::VersionComparator(flags.recording).analyze({}));
  write_stdout(flags.format == "json" ? report::full_report_json(requests.recording, parts)
                                      : report::full_report_text(parts, report::style_of(STDOUT_FILENO)));
}

}  // namespace

void add_report(CLI::App& app, int&) {
  CLI::App* verb = app.add_subcommand("report", "what all analyses say of a recording, in one document");
  const auto flags = std::make_shared<Flags>();
  verb->add_option("RECORDING", flags->recording, "file that `heapledger run` wrote")
      ->type_name("")
      ->capture_default_str();
  verb->add_option("--format", flags->format, "text or json")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  verb->callback([flags] { print(*flags); });
}

}  // namespace heapledger::cli
