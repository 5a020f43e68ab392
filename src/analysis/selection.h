// Which rows an analysis looks at: the options --route, --method, --worker, --since, --until and --warmup, resolved
// against one recording. Pure; one thread at a time; allocates when built.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "analysis/recording_tables.h"
#include "heapledger/requests.h"
#include "recording/rows.h"

namespace heapledger::analysis {

// True when `*` in the pattern can stand for characters of the text so that both are equal. No other character is
// special: route templates hold brackets, braces and question marks of their own.
bool matches_route(std::string_view pattern, std::string_view route);

class Selection {
 public:
  // Throws std::invalid_argument for a worker that the recording does not have.
  Selection(const RequestsOptions& options, const RecordingTables& tables);

  bool has_worker(std::int64_t worker) const;
  bool has_every_worker() const { return workers_.empty(); }
  std::int64_t since_us() const { return since_us_; }
  std::int64_t until_us() const { return until_us_; }
  bool has_time(std::int64_t at_us) const { return at_us >= since_us_ && at_us < until_us_; }
  // Wholly inside, or wholly outside of the chosen time: else a slice cannot be told apart.
  bool covers(std::int64_t from_us, std::int64_t until_us) const {
    return from_us >= since_us_ && until_us <= until_us_;
  }
  bool overlaps(std::int64_t from_us, std::int64_t until_us) const {
    return from_us < until_us_ && until_us > since_us_;
  }
  bool has_endpoint(const recording::EndpointRow& endpoint) const;

  // The routes and methods that none of these endpoints has; none when there are no endpoints at all.
  std::vector<UnmatchedOption> unmatched(const std::vector<recording::EndpointRow>& endpoints) const;

 private:
  std::vector<std::string> routes_;
  std::vector<std::string> methods_;
  std::vector<std::int64_t> workers_;
  std::int64_t since_us_;
  std::int64_t until_us_;
};

}  // namespace heapledger::analysis
