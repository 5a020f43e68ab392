#include "analysis/memory_use.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <sstream>

#include "analysis/row_arithmetic.h"

namespace heapledger::analysis {
namespace {

// One part that is unknown makes the sum unknown.
void add_part(std::optional<std::int64_t>& sum, const std::optional<std::int64_t>& part) {
  sum = sum && part ? std::optional(add_limited(*sum, *part)) : std::nullopt;
}

std::optional<std::uint64_t> size_of(const std::optional<std::int64_t>& sum) {
  return sum ? std::optional(count_of(*sum)) : std::nullopt;
}

// "polars, pyarrow": each once, in the order of the alphabet.
void name_packages(const std::string& list, std::vector<std::string>& names) {
  std::istringstream words(list);
  for (std::string word; words >> word;) {
    if (word.ends_with(',')) word.pop_back();
    const auto place = std::lower_bound(names.begin(), names.end(), word);
    if (place == names.end() || *place != word) names.insert(place, word);
  }
}

constexpr std::int64_t kNoticedWithinUs = 2'000'000;

}  // namespace

void LastStand::add(const recording::WorkerRow& worker) {
  constexpr std::int64_t kStands = std::numeric_limits<std::int64_t>::max();
  last_start_us_ = std::max(last_start_us_, worker.started_us);
  last_end_us_ = std::max(last_end_us_, worker.ended_us.value_or(kStands));
}

bool LastStand::includes(const recording::WorkerRow& worker) const {
  if (!worker.ended_us || worker.started_us >= last_start_us_) {
    return true;
  }
  const std::int64_t killed_us = subtract_limited(*worker.ended_us, kNoticedWithinUs);
  const bool others_stood_on = last_end_us_ > add_limited(*worker.ended_us, kNoticedWithinUs);
  const bool killed = worker.ending == recording::WorkerEnding::kDied && others_stood_on;
  return (killed ? killed_us : *worker.ended_us) > last_start_us_;
}

MemoryUse sum_memory(const RecordingTables& tables, const Selection& selection) {
  LastStand stand;
  for (const auto& worker : tables.workers) {
    if (selection.has_worker(worker.id) && worker.rss_bytes) {
      stand.add(worker);
    }
  }
  MemoryUse use;
  std::optional<std::int64_t> rss_bytes = 0;
  std::optional<std::int64_t> live_bytes = 0;
  std::optional<std::int64_t> retained_bytes = 0;
  std::optional<std::int64_t> heapledger_bytes = 0;
  std::optional<std::int64_t> native_bytes = 0;
  for (const auto& worker : tables.workers) {
    if (!selection.has_worker(worker.id) || !worker.rss_bytes || !stand.includes(worker)) {
      continue;
    }
    ++use.processes;
    add_part(rss_bytes, worker.rss_bytes);
    add_part(live_bytes, worker.live_bytes);
    add_part(retained_bytes, worker.allocator_retained_bytes);
    add_part(heapledger_bytes, worker.heapledger_bytes);
    add_part(native_bytes, worker.native_live_bytes);
    name_packages(worker.unseen, use.unseen_packages);
  }
  if (use.processes == 0) {
    return use;
  }
  use.rss_bytes = size_of(rss_bytes);
  use.live_bytes = live_bytes;
  use.allocator_retained_bytes = size_of(retained_bytes);
  use.heapledger_bytes = size_of(heapledger_bytes);
  use.native_live_bytes = size_of(native_bytes);
  if (retained_bytes && heapledger_bytes) {
    const std::int64_t known = add_limited(add_limited(*live_bytes, *retained_bytes), *heapledger_bytes);
    use.other_bytes = subtract_limited(*rss_bytes, known);
  }
  return use;
}

}  // namespace heapledger::analysis
