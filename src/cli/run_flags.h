// What `heapledger run` was asked to do. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace heapledger::cli {

struct RunFlags {
  std::string output;  // "": ./heapledger.db, rotated
  bool force = false;
  std::string mode = "exact";
  bool no_native = false;
  bool exec = false;
  std::string run_dir;
  std::string max_size = "1GiB";
  std::vector<std::string> ignored_routes;
  bool quiet = false;
  std::vector<std::string> command;

  std::int64_t max_bytes = 0;  // of max_size
};

}  // namespace heapledger::cli
