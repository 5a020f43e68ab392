// `heapledger requests --interference`: its flag, and what it prints. Throws what an analysis throws. One thread;
// allocates.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "heapledger/requests.h"

namespace heapledger::cli {

// After the flags that it excludes.
void add_interference(CLI::App& verb, bool& interference);

// `chosen`: by the flags that all of `heapledger requests` has in common.
void print_interference(const std::string& recording, const std::string& format,
                        const analysis::RequestsOptions& chosen);

}  // namespace heapledger::cli
