// The five patterns by construction, and how often chance looks like one of them.
#include "analysis/pool_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <queue>
#include <random>

#include "pool_simulation.h"

namespace heapledger::analysis {
namespace {

PoolTrend trend_of(const SimulatedPool& pool) { return analyze_pool(pool).trend; }

// Two connections, put back soon; nothing else happens.
void hum(SimulatedPool& pool, std::int64_t until_us) { pool.use(0, until_us, 100 * kMs, 10 * kMs); }

TEST(PoolPattern, StableUnderEvenUse) {
  SimulatedPool pool;
  for (int i = 0; i < 4; ++i) pool.make(0);
  hum(pool, 60 * kSecond);
  const PoolTrend trend = trend_of(pool);
  EXPECT_EQ(trend.pattern, PoolPattern::kStable);
  EXPECT_EQ(trend.first, 4U);
  EXPECT_EQ(trend.last, 4U);
}

TEST(PoolPattern, GrowingWhenConnectionsAreLostOneByOne) {
  SimulatedPool pool;
  for (int i = 0; i < 60; ++i) {
    pool.use(i * kSecond, (i + 1) * kSecond, 100 * kMs, 10 * kMs);
    if (i % 4 == 0) pool.check_out(i * kSecond + 950 * kMs, 10'000 + i);
  }
  const PoolTrend trend = trend_of(pool);
  EXPECT_EQ(trend.pattern, PoolPattern::kGrowing);
  EXPECT_TRUE(trend.of_size);
  EXPECT_LT(trend.first, 5U);
  EXPECT_GT(trend.last, 12U);
}

TEST(PoolPattern, GrowingInUseWhileTheSizeStays) {
  SimulatedPool pool;
  for (int i = 0; i < 20; ++i) pool.make(0);
  for (int i = 0; i < 60; ++i) {
    pool.use(i * kSecond, (i + 1) * kSecond, 100 * kMs, 10 * kMs);
    if (i % 6 == 0) pool.check_out(i * kSecond + 950 * kMs, 10'000 + i);
  }
  const PoolTrend trend = trend_of(pool);
  EXPECT_EQ(trend.pattern, PoolPattern::kGrowing);
  EXPECT_FALSE(trend.of_size);
}

TEST(PoolPattern, ShrinkingWhenIdleOnesAreClosed) {
  SimulatedPool pool;
  for (int i = 0; i < 20; ++i) pool.make(0);
  for (int i = 0; i < 60; ++i) {
    pool.use(i * kSecond, (i + 1) * kSecond, 100 * kMs, 10 * kMs);
    if (i % 4 == 3) pool.close(i * kSecond + 950 * kMs, pool.idle().front());
  }
  const PoolTrend trend = trend_of(pool);
  EXPECT_EQ(trend.pattern, PoolPattern::kShrinking);
  EXPECT_GT(trend.first, trend.last);
}

TEST(PoolPattern, SawtoothWhenAllAreRecycledAtOnce) {
  SimulatedPool pool;
  for (int i = 0; i < 60; ++i) {
    pool.use(i * kSecond, (i + 1) * kSecond, 100 * kMs, 10 * kMs);
    pool.make(i * kSecond + 950 * kMs);
    if (i % 12 == 11) {
      while (pool.idle().size() > 1) pool.close(i * kSecond + 960 * kMs, pool.idle().front());
    }
  }
  const PoolTrend trend = trend_of(pool);
  EXPECT_EQ(trend.pattern, PoolPattern::kSawtooth);
  EXPECT_GE(trend.cycles, 4U);
  EXPECT_GT(trend.last, trend.first + 5);
}

TEST(PoolPattern, BurstyWhenManyComeAtOnce) {
  SimulatedPool pool;
  for (int i = 0; i < 12; ++i) pool.make(0);
  for (int i = 0; i < 60; ++i) {
    pool.use(i * kSecond, i * kSecond + 500 * kMs, 100 * kMs, 10 * kMs);
    if (i % 10 != 9) continue;
    std::vector<std::int64_t> taken;
    for (int k = 0; k < 12; ++k) taken.push_back(*pool.check_out(i * kSecond + 600 * kMs, 10'000 + i * 100 + k));
    for (const std::int64_t one : taken) pool.put_back(i * kSecond + 900 * kMs, one);
  }
  const PoolTrend trend = trend_of(pool);
  EXPECT_EQ(trend.pattern, PoolPattern::kBursty);
  EXPECT_EQ(trend.cycles, 6U);
  EXPECT_EQ(trend.last, 12U);
  EXPECT_LT(trend.time_ratio, 0.1);
}

TEST(PoolPattern, ManyAtOnceAreNoBurstWhereManyAreUsual) {
  SimulatedPool pool;
  for (int k = 0; k < 20; ++k) pool.check_out(0);
  for (int i = 0; i < 60; i += 10) {
    pool.use(i * kSecond, (i + 8) * kSecond, 100 * kMs, 10 * kMs);
    std::vector<std::int64_t> taken;
    for (int k = 0; k < 27; ++k) taken.push_back(*pool.check_out((i + 8) * kSecond, 10'000 + i * 100 + k));
    for (const std::int64_t one : taken) pool.put_back((i + 9) * kSecond, one);
  }
  EXPECT_EQ(trend_of(pool).pattern, PoolPattern::kStable);
}

TEST(PoolPattern, HalfOfTheTimeIsNoBurst) {
  SimulatedPool pool;
  for (int i = 0; i < 60; i += 10) {
    pool.use(i * kSecond, (i + 5) * kSecond, 100 * kMs, 10 * kMs);
    std::vector<std::int64_t> taken;
    for (int k = 0; k < 12; ++k) taken.push_back(*pool.check_out((i + 5) * kSecond, 10'000 + i * 100 + k));
    for (const std::int64_t one : taken) pool.put_back((i + 10) * kSecond - kMs, one);
  }
  EXPECT_EQ(trend_of(pool).pattern, PoolPattern::kStable);
}

// A pool that only opens what it needs at most: a new height comes less and less often.
TEST(PoolPattern, GrowthThatAbatesIsNone) {
  SimulatedPool pool;
  constexpr std::array<int, 8> kSizes{4, 8, 12, 14, 15, 15, 16, 17};
  for (int block = 0; block < 8; ++block) {
    while (pool.size() < kSizes[static_cast<std::size_t>(block)]) pool.make(block * 10 * kSecond);
    pool.use(block * 10 * kSecond, (block + 1) * 10 * kSecond, 100 * kMs, 10 * kMs);
  }
  EXPECT_EQ(trend_of(pool).pattern, PoolPattern::kStable);
}

TEST(PoolPattern, UnknownWithTooFewCheckouts) {
  SimulatedPool pool;
  pool.use(0, 19 * kSecond, kSecond, 10 * kMs);
  const PoolTrend trend = trend_of(pool);
  EXPECT_EQ(trend.pattern, PoolPattern::kUnknown);
  EXPECT_EQ(trend.checkouts, 19U);
  EXPECT_EQ(trend.needed, kLeastCheckoutsForPattern);
}

TEST(PoolPattern, FillingAtTheStartIsNoGrowth) {
  SimulatedPool pool;
  std::vector<std::int64_t> taken;
  for (int i = 0; i < 10; ++i) taken.push_back(*pool.check_out(i * 300 * kMs, 10'000 + i));
  for (const std::int64_t one : taken) pool.put_back(4 * kSecond, one);
  pool.use(5 * kSecond, 60 * kSecond, 100 * kMs, 10 * kMs);
  EXPECT_EQ(trend_of(pool).pattern, PoolPattern::kStable);
}

// Arrivals by chance, holds by chance: M/G/infinity.
SimulatedPool random_pool(std::uint64_t seed, double per_second, double hold_seconds, bool fixed) {
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> gaps(per_second);
  std::exponential_distribution<double> holds(1 / hold_seconds);
  using Return = std::pair<std::int64_t, std::int64_t>;
  std::priority_queue<Return, std::vector<Return>, std::greater<>> out;
  SimulatedPool pool;
  double at = 0;
  for (std::int64_t sequence = 1;; ++sequence) {
    at += gaps(random);
    const auto at_us = static_cast<std::int64_t>(at * 1e6);
    while (!out.empty() && out.top().first <= std::min(at_us, 60 * kSecond)) {
      pool.put_back(out.top().first, out.top().second);
      out.pop();
    }
    if (at_us >= 60 * kSecond) return pool;
    const double hold = fixed ? hold_seconds : holds(random);
    out.emplace(at_us + static_cast<std::int64_t>(hold * 1e6) + 1, *pool.check_out(at_us, sequence));
  }
}

TEST(PoolPattern, ChanceIsNearlyAlwaysStable) {
  std::map<PoolPattern, int> found;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    const double per_second = seed % 3 == 0 ? 2 : seed % 3 == 1 ? 20 : 60;
    ++found[trend_of(random_pool(seed, per_second, 0.2, seed % 2 == 0)).pattern];
  }
  EXPECT_GE(found[PoolPattern::kStable], 145)
      << found[PoolPattern::kGrowing] << " growing, " << found[PoolPattern::kSawtooth] << " sawtooth, "
      << found[PoolPattern::kBursty] << " bursty, " << found[PoolPattern::kShrinking] << " shrinking";
}

TEST(PoolPattern, MostCheckoutsSpeak) {
  PoolTrend much;
  much.pattern = PoolPattern::kGrowing;
  much.checkouts = 1000;
  PoolTrend little;
  little.pattern = PoolPattern::kStable;
  little.checkouts = 400;
  const PoolTrend together = combine_trends({little, much, little, PoolTrend{}});
  EXPECT_EQ(together.pattern, PoolPattern::kGrowing);
  EXPECT_EQ(together.pools, 3U);
  EXPECT_EQ(together.pools_alike, 1U);
  EXPECT_EQ(combine_trends({}).pattern, PoolPattern::kUnknown);
}

}  // namespace
}  // namespace heapledger::analysis
