// How many at once are safe: by construction, and growing with the memory whatever its size.
#include "analysis/limit_search.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace heapledger::analysis {
namespace {

constexpr double kMiB = 1024 * 1024;

// Its requests hold `bytes` for `share` of their second, and 1 KiB else.
LoadClass holds(double bytes, double share) {
  LoadClass one;
  one.per_second = 10;
  one.seconds = 1;
  one.requests = 1000;
  one.levels.add(bytes, share);
  one.levels.add(1024, 1 - share);
  one.peaks.add(bytes, 1);
  return one;
}

TEST(SafeConcurrency, OfRequestsThatAlwaysHoldTheSameIsTheMemoryDividedByIt) {
  for (const double fit : {1.0, 7.0, 100.0, 2000.0}) {
    const std::uint64_t at_once = safe_concurrency({holds(kMiB, 1)}, (fit + 0.5) * kMiB, 1e-2);
    EXPECT_LE(at_once, static_cast<std::uint64_t>(fit));
    EXPECT_GE(at_once, static_cast<std::uint64_t>(fit * 0.98)) << fit;
  }
}

TEST(SafeConcurrency, GrowsWithTheMemory) {
  std::uint64_t before = 0;
  for (double headroom = 8 * kMiB; headroom < 16384 * kMiB; headroom *= 1.7) {
    const std::uint64_t at_once = safe_concurrency({holds(kMiB, 0.05), holds(64 * 1024, 0.5)}, headroom, 1.0 / 30);
    EXPECT_GE(at_once, before) << headroom;
    before = at_once;
  }
  // Its mean is 42 KiB a place, and the larger part of the memory can be used where there is much of it.
  EXPECT_GT(static_cast<double>(before), 0.85 * 10'000 * kMiB / (42.0 * 1024));
}

}  // namespace
}  // namespace heapledger::analysis
