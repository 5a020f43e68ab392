// The words for enumerations, as JSON and Python know them.
#include "heapledger/analysis.h"

namespace heapledger::analysis {

const char* name_of(WorkerEnding ending) noexcept {
  switch (ending) {
    case WorkerEnding::kFrozen:
      return "frozen";
    case WorkerEnding::kDied:
      return "died";
    case WorkerEnding::kDisplaced:
      return "displaced";
    case WorkerEnding::kRunning:
      break;
  }
  return "running";
}

const char* name_of(FindingKind kind) noexcept {
  switch (kind) {
    case FindingKind::kKeeps:
      return "keeps";
    case FindingKind::kPeak:
      return "peak";
    case FindingKind::kCost:
      break;
  }
  return "cost";
}

}  // namespace heapledger::analysis
