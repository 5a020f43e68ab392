// The words that stand for enumerations in the recording, and wherever else they are written.
#pragma once

#include <array>
#include <utility>

#include "recording/pool_rows.h"
#include "recording/rows.h"

namespace heapledger::recording {

inline constexpr std::array kEndingNames{
    std::pair{"running", WorkerEnding::kRunning}, std::pair{"frozen", WorkerEnding::kFrozen},
    std::pair{"stopped", WorkerEnding::kStopped}, std::pair{"died", WorkerEnding::kDied},
    std::pair{"displaced", WorkerEnding::kDisplaced}};

inline constexpr std::array kTotalKindNames{
    std::pair{"service", OwnerTotalKind::kService},       std::pair{"import", OwnerTotalKind::kImport},
    std::pair{"request", OwnerTotalKind::kRequest},       std::pair{"open", OwnerTotalKind::kOpen},
    std::pair{"tenured", OwnerTotalKind::kTenured},       std::pair{"inherited", OwnerTotalKind::kInherited},
    std::pair{"connection", OwnerTotalKind::kConnection}, std::pair{"retired", OwnerTotalKind::kRetired}};

inline constexpr std::array kConnectionStateNames{
    std::pair{"idle", ConnectionState::kIdle}, std::pair{"in_use", ConnectionState::kInUse},
    std::pair{"closed", ConnectionState::kClosed}, std::pair{"closed_kept", ConnectionState::kClosedKept},
    std::pair{"orphan", ConnectionState::kOrphan}};

inline constexpr std::array kPoolEventKindNames{
    std::pair{"create", PoolEventKind::kCreate},   std::pair{"checkout", PoolEventKind::kCheckout},
    std::pair{"checkin", PoolEventKind::kCheckin}, std::pair{"invalidate", PoolEventKind::kInvalidate},
    std::pair{"close", PoolEventKind::kClose},     std::pair{"timeout", PoolEventKind::kTimeout}};

inline constexpr std::array kSegmentKindNames{std::pair{"python_arenas", SegmentKind::kPythonArenas},
                                              std::pair{"malloc_heap", SegmentKind::kMallocHeap},
                                              std::pair{"other_anonymous", SegmentKind::kOtherAnonymous},
                                              std::pair{"libraries", SegmentKind::kLibraries},
                                              std::pair{"mapped_files", SegmentKind::kMappedFiles},
                                              std::pair{"shared_memory", SegmentKind::kSharedMemory},
                                              std::pair{"stacks", SegmentKind::kStacks},
                                              std::pair{"heapledger", SegmentKind::kHeapledger}};
static_assert(kSegmentKindNames.size() == kSegmentKinds);

// "?" for a value that is no enumerator.
template <class Names, class Value>
constexpr const char* word_for(const Names& names, Value value) noexcept {
  for (const auto& [word, meaning] : names) {
    if (value == meaning) return word;
  }
  return "?";
}

}  // namespace heapledger::recording
