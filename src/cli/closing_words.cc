#include "cli/closing_words.h"

#include <unistd.h>

#include <exception>

#include "cli/messages.h"
#include "cli/package.h"
#include "heapledger/request_isolator.h"
#include "report/requests_text.h"

namespace heapledger::cli {
namespace {

std::string described(const recording::NoteRow& note) {
  const std::string who = note.executable.empty() ? "a Python of the command" : note.executable;
  return note.python.empty() ? who : who + " (Python " + note.python + ")";
}

std::string counted(std::uint64_t count, const char* one, const char* many) {
  return std::to_string(count) + ' ' + (count == 1 ? one : many);
}

}  // namespace

std::string why_nothing_recorded(const recording::CollectorSummary& summary) {
  const std::string start = "nothing recorded: ";
  if (autoload_folder().empty()) {
    return start + "the heapledger package is not beside this program; install both with: pip install heapledger";
  }
  if (summary.notes.empty()) {
    return start +
           "the command started no Python that heapledger supports (CPython 3.10 to 3.15); install heapledger into the "
           "service's Python environment and start the service with that Python";
  }
  // The last one to say no: reloaders and launchers come before the service.
  const recording::NoteRow& note = summary.notes.back();
  const bool missing = note.reason.starts_with("cannot import heapledger") && !note.executable.empty();
  if (missing) {
    return start + described(note) + " " + note.reason + "; install it there: " + note.executable +
           " -m pip install heapledger";
  }
  return start + described(note) + ": " + note.reason;
}

void say_closing_words(const std::string& recording, const recording::CollectorSummary& summary) noexcept {
  try {
    if (summary.workers > 0) {
      report::RequestsTextOptions options;
      options.style = report::style_of(STDERR_FILENO);
      options.after_run = true;
      write_stderr(report::requests_text(analysis::RequestIsolator(recording).analyze({}), options));
    }
    // A launcher may have taken part and the service not.
    const bool nothing = summary.workers == 0 || (summary.requests == 0 && !summary.notes.empty());
    if (nothing && summary.failure.empty()) say(why_nothing_recorded(summary));
    if (summary.workers == 0 && summary.run_folder_lost) say_error("the run folder was removed while it was in use");
    if (summary.unreadable_ledgers > 0) {
      say_error(counted(summary.unreadable_ledgers, "ledger", "ledgers") +
                " could not be read; what was still in them is missing");
    }
    if (!summary.failure.empty()) {
      say_error("the recording ended early: " + summary.failure + "; " + std::to_string(summary.unrecorded_requests) +
                " finished requests are not in it");
    }
  } catch (const std::exception& error) {
    say_error(error.what());
  }
}

}  // namespace heapledger::cli
