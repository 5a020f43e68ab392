// heapledger: the one place where an outcome becomes an exit status.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/nearest.h"
#include "cli/messages.h"
#include "cli/verb.h"
#include "recording/recording.h"

namespace heapledger::cli {
namespace {

// Verbs of the contract that later versions bring.
constexpr std::array<std::string_view, 4> kAbsentVerbs{"postmortem", "export", "top", "snapshot"};

bool is_absent(const std::string& verb) {
  return std::find(kAbsentVerbs.begin(), kAbsentVerbs.end(), verb) != kAbsentVerbs.end();
}

// CLI11's own usage line neither names the program before the verb nor knows about `-- COMMAND...`.
class HelpFormat : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string name) const override {
    if (app->get_parent() == nullptr) return "\nusage: heapledger VERB [flags]\n";
    std::string usage = "\nusage: heapledger " + name + " [flags]";
    if (name == "run") usage += " -- COMMAND...";
    for (const CLI::Option* option : app->get_options()) {
      if (option->get_positional()) usage += " [" + option->get_name(true) + "]";
    }
    return usage + "\n";
  }
};

// What follows the first `--` of `run` belongs to the command.
std::vector<std::string> split_command(std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments.front() != "run") return {};
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  if (dashes == arguments.end()) return {};
  std::vector<std::string> command(dashes + 1, arguments.end());
  arguments.erase(dashes, arguments.end());
  return command;
}

const CLI::App& chosen_verb(const CLI::App& app) {
  const auto verbs = app.get_subcommands();
  return verbs.empty() ? app : *verbs.front();
}

std::string scope_of(const CLI::App& app) {
  const CLI::App& verb = chosen_verb(app);
  return &verb == &app ? "heapledger" : "heapledger " + verb.get_name();
}

std::vector<std::string> flag_names(const CLI::App& verb) {
  std::vector<std::string> names;
  for (const CLI::Option* option : verb.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

int refuse_unexpected(const CLI::App& app) {
  const CLI::App& verb = chosen_verb(app);
  const std::vector<std::string> unexpected = app.remaining(true);
  const std::string word = unexpected.empty() ? "" : unexpected.front();
  const bool flag = word.starts_with('-');
  if (!flag && &verb != &app && verb.get_name() == "run") {
    say_error("unexpected: " + word, "put -- before the command: heapledger run [flags] -- " + word + " ...");
    return kExitUsage;
  }
  std::vector<std::string> candidates = flag ? flag_names(verb) : std::vector<std::string>{};
  if (&verb == &app && !flag) {
    for (const CLI::App* known : app.get_subcommands([](const CLI::App*) { return true; })) {
      candidates.push_back(known->get_name());
    }
    candidates.insert(candidates.end(), kAbsentVerbs.begin(), kAbsentVerbs.end());
  }
  const std::string meant = analysis::nearest(word.substr(0, word.find('=')), candidates);
  const char* kind = flag ? "unknown flag: " : &verb == &app ? "unknown command: " : "unexpected: ";
  say_error(kind + word, meant.empty() ? scope_of(app) + " --help lists what there is" : "did you mean " + meant + "?");
  return kExitUsage;
}

int parse_and_act(CLI::App& app, std::vector<std::string> arguments, const int& status) {
  try {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    app.parse(arguments);
    if (app.get_subcommands().empty()) {
      throw CommandError("nothing to do", "heapledger --help lists the commands");
    }
    return status;
  } catch (const CLI::CallForHelp&) {
    write_stdout(chosen_verb(app).help());
    return kExitFine;
  } catch (const CLI::CallForVersion&) {
    write_stdout("heapledger " HEAPLEDGER_VERSION "\n");
    return kExitFine;
  } catch (const CLI::ExtrasError&) {
    return refuse_unexpected(app);
  } catch (const CLI::ParseError& error) {
    throw CommandError(error.what(), scope_of(app) + " --help lists what can be given");
  }
}

int run_main(std::vector<std::string> arguments) {
  if (!arguments.empty() && is_absent(arguments.front())) {
    throw CommandError(arguments.front() + " is not in this version");
  }
  int status = kExitFine;
  CLI::App app("exact memory cost of every request of a Python web service", "heapledger");
  app.set_version_flag("--version", "heapledger " HEAPLEDGER_VERSION, "print the version");
  app.formatter(std::make_shared<HelpFormat>());
  app.get_formatter()->label("Subcommands", "Verbs");
  app.require_subcommand(0, 1);
  add_run(app, status, split_command(arguments));
  add_requests(app, status);
  add_segments(app, status);
  add_leaks(app, status);
  add_pools(app, status);
  add_versions(app, status);
  add_payloads(app, status);
  add_report(app, status);
  add_limits(app, status);
  add_doctor(app, status);
  add_demo(app, status);
  return parse_and_act(app, std::move(arguments), status);
}

// A file opened while 0, 1 or 2 is closed would get that number, and our messages. The command finds them closed again.
void occupy_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) static_cast<void>(::open("/dev/null", O_RDWR | O_CLOEXEC));
  }
}

int guarded_main(std::vector<std::string> arguments) {
  try {
    return run_main(std::move(arguments));
  } catch (const CommandError& error) {
    say_error(error.what(), error.hint());
    return error.status();
  } catch (const recording::RecordingError& error) {
    say_error(error.what(), error.hint());
  } catch (const CLI::Error& error) {
    say_error(error.what());
  } catch (const std::bad_alloc&) {
    say_error("out of memory");
  } catch (const std::exception& error) {
    say_error(error.what());
  }
  return kExitUsage;
}

}  // namespace
}  // namespace heapledger::cli

int main(int argc, char** argv) {
  heapledger::cli::occupy_standard_descriptors();
  return heapledger::cli::guarded_main(std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
}
