// Quantiles from the recording's logarithmic histograms, alone or together with single values.
//
// Bin 0 holds zero, bin b > 0 holds values in [low, high) = [2^((b-1)/8), 2^(b/8)), bin b < 0 those in
// [2^(b/8), 2^((b+1)/8)). A value v of the bin is stood for by r = 2 low high / (low + high), the number whose relative
// error is the same at both ends and least at worst:
//
//   |r - v| / v <= (high - low) / (high + low) = (2^(1/8) - 1) / (2^(1/8) + 1) = 0.0433
//
// Integer figures round r, which is exact below 16, where a bin holds one integer only; the worst is 16 itself, which
// shares its bin with 17 and reads 17.
// Pure functions; thread-safe; fork-safe.
#pragma once

#include <cstdint>

namespace heapledger::analysis::statistics {

// Bound on the relative error of folded_value(), with rounding to an integer included.
inline constexpr double kFoldedErrorRatio = 1.0 / 16;

double folded_value(std::int32_t bin);

// Orders bins by the values in them: 0 first, then the negative ones.
struct BinOrder {
  bool operator()(std::int32_t left, std::int32_t right) const {
    return left != right && (left == 0 || (right != 0 && left < right));
  }
};

}  // namespace heapledger::analysis::statistics
