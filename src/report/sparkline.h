// A row of bars, one character each, as high as its value. Pure function; thread-safe; allocates its result.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace heapledger::report {

// `full` is the highest bar, 0 the lowest; values above it are as high. `ascii`: of seven-bit characters.
std::string sparkline(const std::vector<std::uint64_t>& values, std::uint64_t full, bool ascii);

}  // namespace heapledger::report
