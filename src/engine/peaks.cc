#include "engine/peaks.h"

#include "base/clock.h"

namespace heapledger::engine {
namespace {

// Keep the largest kPeakMembers, smallest on top of the heap.
bool holds_more(const ledger::PeakMember& a, const ledger::PeakMember& b) noexcept {
  return a.live_bytes > b.live_bytes;
}

}  // namespace

void snapshot_peak(Engine& e) noexcept {
  const std::uint32_t next = 1 - e.ledger.header.peak_current.load(std::memory_order_relaxed);
  ledger::PeakRecord& peak = e.ledger.peaks[next & 1];
  std::uint32_t members = 0;
  std::uint32_t open = 0;
  for (std::uint32_t id = e.first_open; id != 0; id = e.ledger.owners[id].next_open) {
    const OwnerRecord& who = e.ledger.owners[id];
    ++open;
    const std::uint32_t flags = who.state == OwnerState::kResponded ? ledger::kMemberResponded : 0;
    const ledger::PeakMember member{who.endpoint, flags, who.sequence,
                                    static_cast<std::uint64_t>(std::max<std::int64_t>(0, who.recorded_level_bytes))};
    if (members < ledger::kPeakMembers) {
      peak.members[members++] = member;
      std::push_heap(peak.members, peak.members + members, holds_more);
    } else if (member.live_bytes > peak.members[0].live_bytes) {
      std::pop_heap(peak.members, peak.members + members, holds_more);
      peak.members[members - 1] = member;
      std::push_heap(peak.members, peak.members + members, holds_more);
    }
  }
  std::sort_heap(peak.members, peak.members + members, holds_more);
  peak.at_unix_ns = base::unix_ns();
  peak.live_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(0, e.process_level_bytes));
  peak.in_flight = open;
  peak.member_count = members;
  e.peak_snapshot_bytes = e.process_level_bytes;
  // Release: the reader that sees this buffer named sees it filled (acquire in LedgerView).
  e.ledger.header.peak_current.store(next, std::memory_order_release);
}

}  // namespace heapledger::engine
