#include <algorithm>

#include "ledger/ledger_view.h"
#include "ledger/shared_copy.h"

namespace heapledger::ledger {

std::vector<CompatCalls> LedgerView::compat_calls() const {
  // Acquire: pairs with the writer's release after the record was written.
  const std::uint32_t count = ledger_->header.compat_mark_count.load(std::memory_order_acquire);
  std::vector<CompatCalls> all;
  for (std::uint32_t i = 0; i < std::min(count, kCompatMarks); ++i) {
    const Copy<CompatMark> mark(ledger_->header.compat_marks[i]);
    const std::string name = text({mark->name_offset, std::min(mark->name_bytes, kLongestMarkName)});
    if (!name.empty()) {
      all.push_back({name, mark->endpoint, mark->calls, mark->allocated_bytes, mark->peak_bytes, mark->duration_ns});
    }
  }
  const std::uint64_t without = __atomic_load_n(&ledger_->header.compat_calls_without_mark, __ATOMIC_RELAXED);
  if (without > 0) all.push_back({"", kEndpointUnknown, without, 0, 0, 0});
  return all;
}

}  // namespace heapledger::ledger
