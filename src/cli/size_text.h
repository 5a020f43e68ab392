// Sizes as flags take them: 1048576, 512Mi, 512MiB, 512MB. Pure; allocates only to throw.
#pragma once

#include <cstdint>
#include <string>

namespace heapledger::cli {

// Powers of 1024 with an i (Ki, Mi, Gi, Ti), of 1000 without (kB or KB, MB, GB, TB). Throws std::invalid_argument.
std::int64_t parse_size(const std::string& text);

}  // namespace heapledger::cli
