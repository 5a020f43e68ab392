// Sampled stacks, summed by the line of the application that they reach: the same line called from many places is one
// site, and its heaviest stack stands for it.
//
// A place is the application's when its file is not in site-packages, dist-packages or lib/pythonX.Y, not a name in
// angle brackets (<frozen importlib>, <string>) and not heapledger's own. Stacks without one are summed as they are.
// Pure; allocates; one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "heapledger/sites.h"
#include "recording/rows.h"

namespace heapledger::analysis {

struct SiteTables {
  std::vector<recording::PlaceRow> places;
  std::vector<recording::StackRow> stacks;
  std::vector<recording::SiteRow> sites;
};

bool is_application_file(std::string_view file);

struct SiteGroup {
  CodeStack stack;
  std::uint64_t samples = 0;
  std::uint64_t retained_samples = 0;
  double allocated_bytes = 0;
  double peak_bytes = 0;
  double retained_bytes = 0;
  double retained_blocks = 0;
};

class SiteGrouping {
 public:
  // `tables` must outlive this object.
  explicit SiteGrouping(const SiteTables& tables);

  // Of these rows; the stack with most `weight` stands for its group. Largest weight first.
  std::vector<SiteGroup> group(const std::vector<const recording::SiteRow*>& rows,
                               double recording::SiteRow::*weight) const;

  // Empty for none, and for a stack that is not among the tables.
  CodeStack stack(const std::optional<std::int64_t>& id) const;

 private:
  CodeStack stack_of(const recording::StackRow* row) const;
  std::size_t application_place(const recording::StackRow& row) const;

  std::unordered_map<std::int64_t, const recording::PlaceRow*> places_;
  std::unordered_map<std::int64_t, const recording::StackRow*> stacks_;
};

// `bytes` from so many samples, with its interval at 95 %.
EstimatedBytes estimate_of(double bytes, std::uint64_t samples);

}  // namespace heapledger::analysis
