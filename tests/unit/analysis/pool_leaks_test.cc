// Which connections are lost, and which only seem so.
#include "analysis/pool_leaks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "pool_simulation.h"

namespace heapledger::analysis {
namespace {

using recording::ConnectionState;
using testing::DoubleNear;
using testing::Optional;

TEST(PoolLeaks, AConnectionWhoseRequestHasEndedIsNeverReturned) {
  SimulatedPool pool = used_pool();
  const auto lost = *pool.check_out(21 * kSecond, 901, 2);
  const auto open = *pool.check_out(22 * kSecond, 902, 2);
  RecordedPools recorded;
  recorded.add(pool, sqlalchemy_row());
  recorded.tables.in_flight.push_back({1, 2, 902, 22 * kSecond, 0, 0, 0});
  recorded.code.places = {{1, "pay", "/srv/shop/pay.py", 12}};
  recorded.code.stacks = {{1, {1}, false}};
  for (auto& row : recorded.connections) row.stack = 1;
  const PoolsResult result = recorded.analyze();
  const auto& leaks = result.pools.at(0).leaks;
  ASSERT_EQ(leaks.size(), 2U);
  EXPECT_EQ(leaks[0].kind, PoolLeakKind::kNeverReturned);
  EXPECT_EQ(leaks[0].connection, lost);
  EXPECT_EQ(leaks[0].request->sequence, 901U);
  EXPECT_EQ(leaks[0].request->method, "POST");
  EXPECT_EQ(leaks[0].stack.places.at(0).line, 12);
  EXPECT_THAT(leaks[0].held_seconds, Optional(DoubleNear(39, 1e-9)));
  EXPECT_EQ(leaks[0].live_bytes, 100'000U);
  EXPECT_EQ(result.has_leak(), true);
  // The other one's request runs; but no hold was ever near 38 s.
  EXPECT_EQ(leaks[1].kind, PoolLeakKind::kHeldLong);
  EXPECT_EQ(leaks[1].connection, open);
  EXPECT_LT(leaks[1].threshold_seconds, 1);
  EXPECT_EQ(leaks[1].holds, 200U);
}

TEST(PoolLeaks, TheCleanTwinIsSilent) {
  const PoolUse use = analyze_pool(used_pool());
  EXPECT_TRUE(use.leaks.empty());
  RecordedPools recorded;
  recorded.add(used_pool(), sqlalchemy_row());
  EXPECT_EQ(recorded.analyze().has_leak(), false);
  EXPECT_EQ(RecordedPools().analyze().has_leak(), std::nullopt);
}

TEST(PoolLeaks, InAWorkerThatRunsAConnectionMayComeBackJustAfterItsRequest) {
  for (const std::int64_t before_us : {500 * kMs, 1500 * kMs}) {
    SimulatedPool pool = used_pool();
    pool.check_out(60 * kSecond - before_us, 901);
    RecordedPools recorded;
    recorded.add(pool, sqlalchemy_row());
    recorded.tables.workers[0].ending = recording::WorkerEnding::kRunning;
    recorded.tables.workers[0].ended_us.reset();
    const auto leaks = recorded.analyze().pools.at(0).leaks;
    EXPECT_EQ(leaks.empty() || leaks[0].kind == PoolLeakKind::kHeldLong, before_us < kSecond);
  }
}

TEST(PoolLeaks, HoldsAreJudgedOnceThereAreAHundred) {
  SimulatedPool pool;
  pool.use(0, 9900 * kMs, 100 * kMs, 20 * kMs);
  pool.check_out(10 * kSecond);
  EXPECT_TRUE(analyze_pool(pool).leaks.empty());
  EXPECT_EQ(analyze_pool(pool).hold_threshold_seconds, std::nullopt);
  pool.use(11 * kSecond, 12 * kSecond, 100 * kMs, 20 * kMs);
  ASSERT_EQ(analyze_pool(pool).leaks.size(), 1U);
  EXPECT_EQ(analyze_pool(pool).leaks[0].kind, PoolLeakKind::kHeldLong);
}

RecordedPools pool_with_closed(std::int64_t number, std::int64_t kept_bytes) {
  SimulatedPool pool;
  pool.use(0, 20 * kSecond, 100 * kMs, 20 * kMs);
  for (int i = 0; i < 3; ++i) pool.make(21 * kSecond);
  pool.check_out(22 * kSecond);
  RecordedPools recorded;
  recorded.add(pool, sqlalchemy_row());
  for (auto& row : recorded.connections) {
    if (row.number != number) continue;
    row.state = ConnectionState::kClosedKept;
    row.closed_us = 30 * kSecond;
    row.live_bytes = kept_bytes;
  }
  return recorded;
}

TEST(PoolLeaks, WhatIsClosedButKeptIsALeakWhenAsGoodAsAllOfItLives) {
  EXPECT_EQ(pool_with_closed(2, 60'000).analyze().has_leak(), true);
  EXPECT_EQ(pool_with_closed(2, 40'000).analyze().has_leak(), false);
  // The first one may have filled caches once.
  EXPECT_EQ(pool_with_closed(1, 60'000).analyze().has_leak(), false);
  EXPECT_EQ(pool_with_closed(1, 95'000).analyze().has_leak(), true);
  EXPECT_EQ(pool_with_closed(1, 60'000).analyze().pools.at(0).memory.closed_kept_bytes, 60'000U);
  const PoolLeak leak = pool_with_closed(2, 60'000).analyze().pools.at(0).leaks.at(0);
  EXPECT_EQ(leak.open_bytes, 100'000U);
  EXPECT_THAT(leak.held_seconds, Optional(DoubleNear(30, 1e-9)));
}

TEST(PoolLeaks, LittleThatIsKeptIsNoLeak) {
  SimulatedPool pool(1000, 1500);
  pool.make(0);
  pool.make(0);
  RecordedPools recorded;
  recorded.add(pool, sqlalchemy_row());
  recorded.connections[1].state = ConnectionState::kClosedKept;
  recorded.connections[1].live_bytes = 1000;
  EXPECT_TRUE(recorded.analyze().pools.at(0).leaks.empty());
  recorded.connections[1].live_bytes = 1100;
  EXPECT_EQ(recorded.analyze().pools.at(0).leaks.size(), 1U);
}

TEST(PoolLeaks, AnOrphanIsALeakDeadOrAlive) {
  for (const bool gone : {false, true}) {
    RecordedPools recorded = pool_with_closed(2, 0);
    for (auto& row : recorded.connections) {
      if (row.number == 2) row.state = ConnectionState::kOrphan;
      if (row.number == 2 && !gone) row.closed_us.reset();
    }
    const PoolLeak leak = recorded.analyze().pools.at(0).leaks.at(0);
    EXPECT_EQ(leak.kind, PoolLeakKind::kOrphan);
    EXPECT_EQ(leak.gone, gone);
  }
}

}  // namespace
}  // namespace heapledger::analysis
