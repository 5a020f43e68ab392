// Requests told apart, and what stays of them: the class behind `heapledger requests`, `leaks` and `segments`.
// Conventions as in recording_info.h.
#pragma once

#include <string>

#include "heapledger/interference.h"
#include "heapledger/leaks.h"
#include "heapledger/lifecycle.h"
#include "heapledger/requests.h"
#include "heapledger/segments.h"

namespace heapledger::analysis {

// What every endpoint's requests cost in memory, and whether the books balance.
class RequestIsolator {
 public:
  explicit RequestIsolator(std::string recording_path);
  RequestsResult analyze(const RequestsOptions& options = {}) const;
  SegmentsResult segments(const SegmentsOptions& options = {}) const;
  LeaksResult leaks(const LeaksOptions& options = {}) const;
  LifecycleResult lifecycle(const LifecycleOptions& options) const;
  InterferenceResult interference(const InterferenceOptions& options = {}) const;

 private:
  std::string recording_path_;
};

}  // namespace heapledger::analysis
