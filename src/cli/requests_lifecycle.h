// `heapledger requests --lifecycle ROUTE`: its flags, and what they print. Throws CommandError and what an analysis
// throws. One thread; allocates.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "heapledger/requests.h"

namespace heapledger::cli {

struct LifecycleFlags {
  std::optional<std::string> route;
  std::optional<std::string> slowest;
  std::optional<std::string> largest;
};

// After the flags that they exclude.
void add_lifecycle(CLI::App& verb, LifecycleFlags& flags);

// `chosen`: by the flags that all of `heapledger requests` has in common.
void print_lifecycle(const std::string& recording, const std::string& format, const LifecycleFlags& flags,
                     const analysis::RequestsOptions& chosen);

}  // namespace heapledger::cli
