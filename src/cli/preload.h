// Whether native memory can be seen in what a command starts, and what to put in front of LD_PRELOAD for it. The
// dynamic linker speaks up in the service's stderr, or ends it, when it is handed a library that does not fit: it is
// asked for only where it does. Reads a few files; allocates.
#pragma once

#include <string>
#include <vector>

namespace heapledger::cli {

struct Preload {
  std::string entry;    // path, or two with a colon between; empty: not possible
  std::string why_not;  // then, one line
};

Preload find_preload(const std::vector<std::string>& command);

// `entry` in front of what LD_PRELOAD holds already.
std::string with_preload(const std::string& entry);

}  // namespace heapledger::cli
