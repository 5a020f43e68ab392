// How much of what an endpoint's requests retain was left behind by one after another of them.
//
// A worker's first request of an endpoint may fill what stays for good: a cache, a lazy import, lines of source for a
// traceback. So of each worker the request that had most live when it ended is left out, with all that it had then:
//
//   bytes = sum over workers of max(0, retained - largest escaped),   requests = all - one of each worker
//
// What such a request had live may be freed since, so bytes / requests is a lower bound of what the others keep.
// Folded requests do not say who served them: the largest of them is taken for every worker's.
// One thread at a time; allocates; fork-safe.
#pragma once

#include <cstdint>
#include <map>

namespace heapledger::analysis {

class RecurringRetention {
 public:
  struct Sum {
    std::uint64_t bytes = 0;
    std::uint64_t requests = 0;
  };

  void add_request(std::int64_t worker, std::uint64_t escaped_bytes);
  void add_folded(std::uint64_t requests, std::uint64_t largest_escaped_bytes);
  void add_retained(std::int64_t worker, std::int64_t live_bytes);

  Sum sum() const;

 private:
  struct Worker {
    bool served = false;
    std::uint64_t largest_escaped_bytes = 0;
    std::int64_t retained_bytes = 0;
  };

  std::map<std::int64_t, Worker> workers_;
  std::uint64_t requests_ = 0;
  std::uint64_t largest_folded_bytes_ = 0;
};

}  // namespace heapledger::analysis
