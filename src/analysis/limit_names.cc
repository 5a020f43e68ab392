// The words for what limits are told by, and the verdict that --fail-on takes.
#include "heapledger/rate_limiter.h"

namespace heapledger::analysis {

const char* name_of(ExhaustionMethod method) noexcept {
  switch (method) {
    case ExhaustionMethod::kInversion:
      return "inversion";
    case ExhaustionMethod::kTail:
      return "tail";
    case ExhaustionMethod::kBeyondTheData:
      break;
  }
  return "beyond the data";
}

const char* name_of(LimitStrategy strategy) noexcept {
  switch (strategy) {
    case LimitStrategy::kNone:
      return "none";
    case LimitStrategy::kFixedRate:
      return "fixed_rate";
    case LimitStrategy::kTokenBucket:
      return "token_bucket";
    case LimitStrategy::kConcurrency:
      return "concurrency";
    case LimitStrategy::kReservation:
      break;
  }
  return "reservation";
}

std::optional<bool> LimitsResult::over_risk() const {
  if (exhaustion.empty() || !exhaustion.front().exceedances_per_day || !(risk_seconds > 0)) {
    return std::nullopt;
  }
  return *exhaustion.front().exceedances_per_day * risk_seconds > 86'400;
}

}  // namespace heapledger::analysis
