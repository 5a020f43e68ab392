// Lines of code that memory was allocated at: estimates from sampled blocks, each counted for those it stands for.
// Plain values; conventions as in recording_info.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace heapledger::analysis {

struct CodePlace {
  std::string function;
  std::string file;
  std::int64_t line = 0;
};

// A Python stack; the heaviest of those that reach one line of the application, where several are summed.
struct CodeStack {
  std::vector<CodePlace> places;      // innermost first; empty: no Python code was running
  bool truncated = false;             // its outermost part was not recorded
  std::size_t application_place = 0;  // the innermost that is neither Python's nor a package's; places.size(): none
};

// An estimate of bytes, with its interval at 95 % from the number of samples alone.
struct EstimatedBytes {
  std::uint64_t bytes = 0;
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

// What one line makes the requests of one endpoint allocate: means over all of them.
struct RequestSite {
  std::string method;
  std::string route;
  std::string version;  // empty when none
  CodeStack stack;
  EstimatedBytes allocated_bytes;  // a request
  std::uint64_t peak_bytes = 0;    // live at the peak of its request
  std::uint64_t samples = 0;
  double allocated_ratio = 0;  // of what all sites of the endpoint allocate
  double peak_ratio = 0;       // of what all of them had live at the peaks
};

}  // namespace heapledger::analysis
