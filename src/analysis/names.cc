// The words for enumerations, as JSON and Python know them.
#include "heapledger/pool_monitor.h"
#include "heapledger/request_isolator.h"
#include "heapledger/version_comparator.h"
#include "recording/words.h"

namespace heapledger::analysis {

const char* name_of(WorkerEnding ending) noexcept {
  return recording::word_for(recording::kEndingNames, static_cast<recording::WorkerEnding>(ending));
}

const char* name_of(RecordingState state) noexcept {
  switch (state) {
    case RecordingState::kBeingWritten:
      return "being_written";
    case RecordingState::kCollectorKilled:
      return "collector_killed";
    case RecordingState::kCutShort:
      return "cut_short";
    case RecordingState::kNotClosed:
      return "not_closed";
    case RecordingState::kClosed:
      break;
  }
  return "closed";
}

const char* name_of(SegmentKind kind) noexcept {
  return recording::word_for(recording::kSegmentKindNames, static_cast<recording::SegmentKind>(kind));
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

const char* name_of(PoolPattern pattern) noexcept {
  switch (pattern) {
    case PoolPattern::kStable:
      return "stable";
    case PoolPattern::kGrowing:
      return "growing";
    case PoolPattern::kSawtooth:
      return "sawtooth";
    case PoolPattern::kShrinking:
      return "shrinking";
    case PoolPattern::kBursty:
      return "bursty";
    case PoolPattern::kUnknown:
      break;
  }
  return "unknown";
}

const char* name_of(PoolLeakKind kind) noexcept {
  switch (kind) {
    case PoolLeakKind::kNeverReturned:
      return "never_returned";
    case PoolLeakKind::kOrphan:
      return "orphan";
    case PoolLeakKind::kClosedKept:
      return "closed_kept";
    case PoolLeakKind::kHeldLong:
      break;
  }
  return "held_long";
}

const char* name_of(ConnectionState state) noexcept {
  return recording::word_for(recording::kConnectionStateNames, static_cast<recording::ConnectionState>(state));
}

const char* name_of(LeakVerdict verdict) noexcept {
  switch (verdict) {
    case LeakVerdict::kLeak:
      return "leak";
    case LeakVerdict::kGrowing:
      return "growing";
    case LeakVerdict::kCache:
      return "cache";
    case LeakVerdict::kWarmup:
      return "warmup";
    case LeakVerdict::kNone:
      return "none";
    case LeakVerdict::kUnknown:
      break;
  }
  return "unknown";
}

const char* name_of(VersionVerdict verdict) noexcept {
  switch (verdict) {
    case VersionVerdict::kRegression:
      return "regression";
    case VersionVerdict::kImprovement:
      return "improvement";
    case VersionVerdict::kSame:
      return "same";
    case VersionVerdict::kInconclusive:
      break;
  }
  return "inconclusive";
}

const char* name_of(VersionGrounds grounds) noexcept {
  switch (grounds) {
    case VersionGrounds::kMeasured:
      return "measured";
    case VersionGrounds::kTooFewRequests:
      return "too_few_requests";
    case VersionGrounds::kTooUneven:
      return "too_uneven";
    case VersionGrounds::kDifferentPayloads:
      return "different_payloads";
    case VersionGrounds::kNotFollowed:
      break;
  }
  return "not_followed";
}

const char* name_of(MigrationAction action) noexcept {
  switch (action) {
    case MigrationAction::kMigrate:
      return "migrate";
    case MigrationAction::kMeasure:
      return "measure";
    case MigrationAction::kFixFirst:
      return "fix_first";
    case MigrationAction::kNoSuccessor:
      break;
  }
  return "no_successor";
}

}  // namespace heapledger::analysis
