// The words that stand for enumerations in the recording, and wherever else they are written.
#pragma once

#include <array>
#include <utility>

#include "recording/rows.h"

namespace heapledger::recording {

inline constexpr std::array kEndingNames{
    std::pair{"running", WorkerEnding::kRunning}, std::pair{"frozen", WorkerEnding::kFrozen},
    std::pair{"stopped", WorkerEnding::kStopped}, std::pair{"died", WorkerEnding::kDied},
    std::pair{"displaced", WorkerEnding::kDisplaced}};

inline constexpr std::array kTotalKindNames{
    std::pair{"service", OwnerTotalKind::kService}, std::pair{"import", OwnerTotalKind::kImport},
    std::pair{"request", OwnerTotalKind::kRequest}, std::pair{"open", OwnerTotalKind::kOpen},
    std::pair{"tenured", OwnerTotalKind::kTenured}, std::pair{"inherited", OwnerTotalKind::kInherited},
    std::pair{"retired", OwnerTotalKind::kRetired}};

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
