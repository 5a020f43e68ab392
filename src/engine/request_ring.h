// The writer's half of the ring of finished requests and pools' events: never blocks; a full ring drops the row and
// counts it.
// Any thread; never allocates. Fork: the child's ring starts empty (engine/fork.h).
#pragma once

#include "engine/engine.h"

namespace heapledger::engine {

// A place in the ring, or nullptr: it is full.
ledger::RingRecord* reserve_place(Engine& e, std::uint64_t& index) noexcept;

// The record to fill for the next row, or nullptr (dropped, counted). commit_record() publishes it.
ledger::RingRecord* reserve_record(Engine& e, std::uint64_t& index) noexcept;
void commit_record(ledger::RingRecord& row, std::uint64_t index) noexcept;
void commit_event(ledger::PoolEventRecord& row, std::uint64_t index) noexcept;

}  // namespace heapledger::engine
