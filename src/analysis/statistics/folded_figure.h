// Quantiles from the recording's logarithmic histograms, alone or together with single values.
//
// Bin 0 holds zero, bin b > 0 holds values in [low, high) = [2^((b-1)/8), 2^(b/8)). A value v of the bin is stood for
// by r = 2 low high / (low + high), the number whose relative error is the same at both ends and least at worst:
//
//   |r - v| / v <= (high - low) / (high + low) = (2^(1/8) - 1) / (2^(1/8) + 1) = 0.0433
//
// Integer figures round r, which adds at most half a unit and nothing below 11, where a bin holds one integer only.
// Pure functions; thread-safe; fork-safe.
#pragma once

#include <cstdint>

namespace heapledger::analysis::statistics {

// Bound on the relative error of folded_value(), with rounding to an integer included.
inline constexpr double kFoldedErrorRatio = 0.06;

// r of bin `bin`; 0 for bin 0 and below.
double folded_value(std::int32_t bin);

}  // namespace heapledger::analysis::statistics
