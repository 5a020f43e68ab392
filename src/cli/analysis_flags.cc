#include "cli/analysis_flags.h"

#include <charconv>

namespace heapledger::cli {

void add_recording_and_format(CLI::App& verb, std::string& recording, std::string& format) {
  verb.add_option("RECORDING", recording, "file that `heapledger run` wrote")->type_name("")->capture_default_str();
  verb.add_option("--format", format, "text, json or csv")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json", "csv"}))
      ->capture_default_str();
}

void add_repeatable(CLI::App& verb, const std::string& name, std::vector<std::string>& values, const std::string& help,
                    const std::string& type) {
  verb.add_option(name, values, help)->type_name(type)->allow_extra_args(false);
}

void add_endpoint_choice(CLI::App& verb, std::vector<std::string>& routes, std::vector<std::string>& methods) {
  add_repeatable(verb, "--route", routes, "only this route template; * stands for any characters", "ROUTE");
  add_repeatable(verb, "--method", methods, "only this HTTP method", "METHOD");
}

void add_worker_choice(CLI::App& verb, std::vector<std::string>& workers) {
  add_repeatable(verb, "--worker", workers, "only this worker, by its number in the report", "N");
}

std::int64_t parse_number(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) {
    throw std::invalid_argument("\"" + text + "\" is not a number from 0 up");
  }
  return number;
}

std::vector<std::int64_t> parse_workers(const std::string& verb, const std::vector<std::string>& workers) {
  std::vector<std::int64_t> numbers;
  for (const std::string& worker : workers) numbers.push_back(parse_flag(verb, "--worker", worker, parse_number));
  return numbers;
}

}  // namespace heapledger::cli
