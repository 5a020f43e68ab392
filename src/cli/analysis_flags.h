// The flags that every analysis verb takes in the same way, and how a wrong value is told. Throws CommandError.
// One thread; allocates.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "cli/verb.h"

namespace heapledger::cli {

// RECORDING and --format.
void add_recording_and_format(CLI::App& verb, std::string& recording, std::string& format);

// May be given several times, with one value each: the next word may be the recording.
void add_repeatable(CLI::App& verb, const std::string& name, std::vector<std::string>& values, const std::string& help,
                    const std::string& type);

// --route, --method; --worker.
void add_endpoint_choice(CLI::App& verb, std::vector<std::string>& routes, std::vector<std::string>& methods);
void add_worker_choice(CLI::App& verb, std::vector<std::string>& workers);

// Throws std::invalid_argument.
std::int64_t parse_number(const std::string& text);

// A wrong value is told with the flag it was given to.
template <class Parse>
auto parse_flag(const std::string& verb, const char* flag, const std::string& value, Parse parse) {
  try {
    return parse(value);
  } catch (const std::invalid_argument& error) {
    throw CommandError(std::string(flag) + ": " + error.what(),
                       "heapledger " + verb + " --help lists what can be given");
  }
}

std::vector<std::int64_t> parse_workers(const std::string& verb, const std::vector<std::string>& workers);

}  // namespace heapledger::cli
