// `heapledger doctor`: what would happen here. Asks the service's Python, and looks at the machine around it.
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/capture.h"
#include "cli/command.h"
#include "cli/messages.h"
#include "cli/package.h"
#include "cli/preload.h"
#include "cli/surroundings.h"
#include "cli/verb.h"
#include "recording/recording.h"
#include "recording/run_folder.h"
#include "recording/text.h"
#include "report/units.h"

namespace heapledger::cli {
namespace {

using nlohmann::json;
using namespace nlohmann::literals;  // NOLINT(google-build-using-namespace): _json_pointer

constexpr std::chrono::milliseconds kPythonMayTake{30'000};
// Runs in any Python, 2 too: who it is, before anything of ours is imported.
constexpr char kWhoAreYou[] =
    "import sys; print(sys.executable); print('.'.join(str(n) for n in sys.version_info[:3]))";

constexpr char kExamineYourself[] = "import sys; from heapledger._doctor import main; sys.exit(main(sys.argv[1:]))";

struct Flags {
  std::string python;  // "": the one beside this executable, else PATH's
  std::string run_dir;
  std::string format = "text";
};

struct Diagnosis {
  std::string executable;
  std::string version;
  bool can_import = false;
  json facts = json::object();  // what heapledger._doctor said
  Surroundings around;
  Preload preload;
  std::string problem;  // why recording is not possible; empty: it is
  std::string remedy;
};

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of("\r\n");
  if (end == std::string::npos) return {};
  const std::size_t begin = text.rfind('\n', end);
  return text.substr(begin + 1, end - begin);
}

std::string fact(const json& facts, const char* name) {
  const auto found = facts.find(name);
  return found != facts.end() && found->is_string() ? found->get<std::string>() : std::string();
}

void set_problem(Diagnosis& diagnosis, const std::string& problem, const std::string& remedy = {}) {
  if (!diagnosis.problem.empty()) return;
  diagnosis.problem = problem;
  diagnosis.remedy = remedy;
}

void ask_who(const std::string& python, Diagnosis& diagnosis) {
  const Captured answer = capture({python, "-c", kWhoAreYou}, kPythonMayTake);
  const std::size_t line_end = answer.output.find('\n');
  if (answer.status != 0 || line_end == std::string::npos) {
    const char* why = answer.timed_out ? "it does not answer" : "it is not a Python that runs here";
    return set_problem(diagnosis, python + ": " + why, "name the service's interpreter with --python PATH");
  }
  diagnosis.executable = recording::clean_text(answer.output.substr(0, line_end));
  diagnosis.version = recording::clean_text(last_line(answer.output));
}

// A run folder to be examined in. Empty where none can be made; the problem is then the surroundings'.
std::string make_run_folder(Surroundings& around) {
  if (around.run_folder.empty()) return {};
  try {
    return recording::create_run_folder(around.run_folder);
  } catch (const recording::RecordingError& error) {
    around.run_folder_problem = error.what();
    return {};
  }
}

// The engine is started there once, in a run folder of its own, to see which block map rule it finds.
void ask_heapledger(const std::string& python, Diagnosis& diagnosis) {
  diagnosis.preload = find_preload({python});
  std::vector<std::string> command{python, "-c", kExamineYourself};
  if (const std::string& entry = diagnosis.preload.entry; !entry.empty()) {
    command.insert(command.begin(), {"env", "LD_PRELOAD=" + with_preload(entry)});
  }
  const std::string folder = make_run_folder(diagnosis.around);
  if (!folder.empty()) command.push_back(folder);
  const Captured answer = capture(command, kPythonMayTake);
  if (!folder.empty()) recording::remove_run_folder(folder);
  diagnosis.facts = json::parse(recording::clean_text(last_line(answer.output)), nullptr, false);
  if (!diagnosis.facts.is_object()) {
    diagnosis.facts = json::object();
    const std::string reason = recording::clean_text(last_line(answer.errors));
    return set_problem(diagnosis,
                       diagnosis.executable + " cannot import heapledger" + (reason.empty() ? "" : ": " + reason),
                       "install it there: " + diagnosis.executable + " -m pip install heapledger");
  }
  diagnosis.can_import = true;
  const auto supported = diagnosis.facts.find("supported");
  if (supported == diagnosis.facts.end() || *supported != true) set_problem(diagnosis, fact(diagnosis.facts, "reason"));
}

Diagnosis diagnose(const Flags& flags) {
  Diagnosis diagnosis;
  const std::string python = flags.python.empty() ? python_beside() : flags.python;
  ask_who(python, diagnosis);
  diagnosis.around = look_around(flags.run_dir);
  if (!diagnosis.executable.empty()) ask_heapledger(python, diagnosis);
  if (autoload_folder().empty()) {
    set_problem(diagnosis, "the heapledger package is not beside this program",
                "install both with: pip install heapledger");
  }
  const Surroundings& around = diagnosis.around;
  if (!around.run_folder_problem.empty()) {
    set_problem(diagnosis, around.run_folder_problem, "name a folder with --run-dir DIR");
  } else if (around.run_folder_free_bytes < recording::ledger_bytes()) {
    set_problem(diagnosis, around.run_folder + " has no room for a ledger", "name another folder with --run-dir DIR");
  }
  return diagnosis;
}

// The engine's own word where it was asked; else why nothing was preloaded.
bool sees_native(const Diagnosis& diagnosis) { return diagnosis.facts.value("/engine/native"_json_pointer, false); }

std::string native_text(const Diagnosis& diagnosis) {
  if (sees_native(diagnosis)) {
    return "seen: " + diagnosis.facts.value("/engine/allocator"_json_pointer, std::string());
  }
  if (!diagnosis.preload.why_not.empty()) return "not seen: " + diagnosis.preload.why_not;
  return diagnosis.can_import ? "not seen: this Python's malloc cannot be reached by preloading" : "unknown";
}

json to_json(const Diagnosis& diagnosis) {
  const Surroundings& around = diagnosis.around;
  const auto or_null = [](const auto& value) { return value ? json(*value) : json(nullptr); };
  return {
      {"schema", "heapledger.doctor/1"},
      {"heapledger_version", HEAPLEDGER_VERSION},
      {"possible", diagnosis.problem.empty()},
      {"problem", diagnosis.problem.empty() ? json(nullptr) : json(diagnosis.problem)},
      {"remedy", diagnosis.remedy.empty() ? json(nullptr) : json(diagnosis.remedy)},
      {"python",
       {{"executable", diagnosis.executable},
        {"version", diagnosis.version},
        {"can_import_heapledger", diagnosis.can_import},
        {"facts", diagnosis.facts}}},
      {"native", sees_native(diagnosis)},
      {"native_memory", native_text(diagnosis)},
      {"autoload", autoload_folder()},
      {"run_folder",
       {{"path", around.run_folder},
        {"free_bytes", around.run_folder_free_bytes},
        {"ledger_bytes", recording::ledger_bytes()},
        {"problem", around.run_folder_problem.empty() ? json(nullptr) : json(around.run_folder_problem)}}},
      {"limits",
       {{"address_space_bytes", or_null(around.address_space_bytes)},
        {"overcommit", or_null(around.overcommit)},
        {"container_bytes", or_null(around.container_bytes)},
        {"cgroup", around.cgroup}}},
  };
}

std::string overcommit_text(const std::optional<int>& overcommit) {
  if (!overcommit) return "unknown";
  if (*overcommit == 2) return "strict: memory that is only reserved counts too";
  return *overcommit == 1 ? "always" : "heuristic";
}

std::string to_text(const Diagnosis& diagnosis) {
  std::string text;
  const auto line = [&text](const char* name, const std::string& value) {
    text += fmt::format("{:<15}{}\n", name, one_line(value));
  };
  const Surroundings& around = diagnosis.around;
  if (!diagnosis.executable.empty()) line("python", diagnosis.executable + " (" + diagnosis.version + ")");
  if (diagnosis.can_import) {
    line("heapledger", fact(diagnosis.facts, "heapledger_version"));
    const std::string rule = fact(diagnosis.facts, "rule");
    line("block map", rule.empty() ? "none" : rule);
    line("allocator", fact(diagnosis.facts, "allocator"));
  }
  line("native memory", native_text(diagnosis));
  if (!around.run_folder.empty()) {
    const std::uint64_t ledgers = around.run_folder_free_bytes / recording::ledger_bytes();
    line("run folder", fmt::format("{}, {} free: room for {} workers", around.run_folder,
                                   report::format_bytes(around.run_folder_free_bytes), ledgers));
  }
  line("address space",
       around.address_space_bytes ? report::format_bytes(*around.address_space_bytes) + " (RLIMIT_AS)" : "unlimited");
  line("overcommit", overcommit_text(around.overcommit));
  const std::string cgroup = around.cgroup.empty() ? "" : " (cgroup " + around.cgroup + ")";
  line("container",
       (around.container_bytes ? report::format_bytes(*around.container_bytes) : "no memory limit") + cgroup);
  line("recording", diagnosis.problem.empty() ? "possible" : "not possible: " + diagnosis.problem);
  if (!diagnosis.remedy.empty()) line("remedy", diagnosis.remedy);
  return text;
}

}  // namespace

void add_doctor(CLI::App& app, int& status) {
  CLI::App* verb = app.add_subcommand("doctor", "would recording work here, with this Python?");
  const auto flags = std::make_shared<Flags>();
  const auto last = CLI::MultiOptionPolicy::TakeLast;
  verb->add_option("--python", flags->python,
                   "the service's interpreter (default: the python3 beside this program, else PATH's)")
      ->type_name("PATH")
      ->multi_option_policy(last);
  verb->add_option("--run-dir", flags->run_dir, "the folder that `run` would be given")
      ->type_name("DIR")
      ->multi_option_policy(last);
  verb->add_option("--format", flags->format, "text or json")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str()
      ->multi_option_policy(last);
  verb->callback([flags, &status] {
    const Diagnosis diagnosis = diagnose(*flags);
    if (flags->format == "json") {
      write_stdout(to_json(diagnosis).dump(2, ' ', false, json::error_handler_t::replace) + "\n");
    } else {
      write_stdout(to_text(diagnosis));
    }
    status = diagnosis.problem.empty() ? 0 : 1;
  });
}

}  // namespace heapledger::cli
