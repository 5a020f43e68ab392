#include "engine/request_ring.h"

namespace heapledger::engine {

ledger::RingRecord* reserve_place(Engine& e, std::uint64_t& index) noexcept {
  ledger::Header& header = e.ledger.header;
  std::uint64_t head = header.ring_head.load(std::memory_order_relaxed);
  do {
    // Acquire: pairs with the reader's release of ring_tail; it has finished copying what we are about to overwrite.
    if (head - header.ring_tail.load(std::memory_order_acquire) >= ledger::kRingRecords) return nullptr;
  } while (!header.ring_head.compare_exchange_weak(head, head + 1, std::memory_order_acq_rel));
  index = head;
  return &e.ledger.ring[head % ledger::kRingRecords];
}

ledger::RingRecord* reserve_record(Engine& e, std::uint64_t& index) noexcept {
  ledger::RingRecord* place = reserve_place(e, index);
  if (place == nullptr) e.ledger.header.dropped_requests.fetch_add(1, std::memory_order_relaxed);
  return place;
}

void commit_record(ledger::RingRecord& row, std::uint64_t index) noexcept {
  row.commit.store(index + 1, std::memory_order_release);  // acquire: LedgerView::drain
}

void commit_event(ledger::PoolEventRecord& row, std::uint64_t index) noexcept {
  row.commit.store(index + 1, std::memory_order_release);  // acquire: LedgerView::drain
}

}  // namespace heapledger::engine
