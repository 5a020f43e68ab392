// What outlives its request: which of its endpoint's requests a block comes from, when survivors go, who frees them.
//
// A request's ordinal is its number among the endpoint's requests in the order of their ends. Runs of ordinals are
// cohorts (ledger::LifeRecord): at the sweep a survivor goes to the tenured owner of its cohort, and when there would
// be more than sixteen, the runs double and pairs of cohorts become one.
//
//   ordinal   1 ............ span | span+1 ..... 2*span | ...
//   cohort    0                   | 1                   | ... up to 15
//
// Under the GIL but for survivor_freed() (engine/books.h), which any thread may call: it stores atomics only. Never
// allocates. Fork: the child's lives start empty (engine/fork.h).
#pragma once

#include "engine/books.h"

namespace heapledger::engine {

// The request is over: it gets its ordinal, and what it holds are survivors from here on.
void begin_survival(Engine& e, OwnerId owner) noexcept;

// Before a sweep: every endpoint's runs are long enough for the requests that it has seen.
void widen_cohorts(Engine& e) noexcept;

// Whom a swept owner's blocks go to.
OwnerId heir_of(Engine& e, OwnerId owner) noexcept;

// Sizes are told apart by class: multiples of 16 up to 512 bytes, then powers of two.
inline constexpr std::uint32_t kSizeClasses = 32 + 40;
HL_EXPORT std::uint32_t size_class_of(std::uint64_t bytes) noexcept;

// A survivor that a walk at the freeze has found.
void count_survivor(Engine& e, std::uint16_t owner, std::uint64_t bytes) noexcept;

}  // namespace heapledger::engine
