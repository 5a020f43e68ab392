// Where the Python half of heapledger lies, seen from this executable. No state; allocates.
#pragma once

#include <string>

namespace heapledger::cli {

// <prefix> of <prefix>/bin/heapledger, "" when /proc does not tell.
std::string install_prefix();

// The installed package's folder (.../site-packages/heapledger), "" when there is none beside this executable.
std::string package_folder();

// The folder to put in front of PYTHONPATH; HEAPLEDGER_AUTOLOAD names another one. "" when there is none.
std::string autoload_folder();

// The interpreter beside this executable, else `python3`.
std::string python_beside();

}  // namespace heapledger::cli
