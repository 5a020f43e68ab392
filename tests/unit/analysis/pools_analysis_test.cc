// Figures and stale connections of pools whose answers are known by construction.
#include "analysis/pools_analysis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "pool_simulation.h"

namespace heapledger::analysis {
namespace {

using recording::ConnectionState;
using testing::DoubleNear;
using testing::Optional;

TEST(PoolsAnalysis, CountsAndTimesAreThoseOfTheEvents) {
  SimulatedPool pool;
  pool.use(0, 20 * kSecond, 100 * kMs, 20 * kMs);
  const auto one = *pool.check_out(21 * kSecond, 900, 2, 5 * kMs);
  const auto two = *pool.check_out(21 * kSecond, 900, 2, 15 * kMs);
  pool.put_back(22 * kSecond, two);
  const PoolUse use = analyze_pool(pool);
  EXPECT_EQ(use.name, "orders");
  EXPECT_EQ(use.checkouts, 202U);
  EXPECT_EQ(use.created, 2U);
  EXPECT_EQ(use.size, 2U);
  EXPECT_EQ(use.in_use, 1U);
  EXPECT_EQ(use.idle, 1U);
  EXPECT_EQ(use.most_in_use, 2U);
  EXPECT_EQ(use.max_size, 15U);
  EXPECT_EQ(use.min_size, 5U);
  EXPECT_THAT(use.timeout_seconds, Optional(30.0));
  EXPECT_THAT(use.hold_seconds->p50, DoubleNear(0.02, 1e-12));
  EXPECT_THAT(use.hold_seconds->max, DoubleNear(1, 1e-12));
  EXPECT_THAT(use.wait_seconds->max, DoubleNear(0.015, 1e-12));
  ASSERT_EQ(use.endpoints.size(), 2U);
  EXPECT_EQ(use.endpoints[0].method, "GET");
  EXPECT_EQ(use.endpoints[0].checkouts, 200U);
  EXPECT_EQ(use.endpoints[1].method, "POST");
  EXPECT_EQ(use.endpoints[1].most_held, 2U);
  EXPECT_EQ(use.memory.live_bytes, 200'000U);
  EXPECT_EQ(use.memory.per_connection_bytes->max, 100'000U);
  EXPECT_EQ(use.connections.at(0).id, one);
  EXPECT_EQ(use.connections.at(0).request->route, "/orders");
}

TEST(PoolsAnalysis, StaleAreThoseThatTheUseWentOnWithout) {
  SimulatedPool pool;
  for (int i = 0; i < 10; ++i) pool.make(0);
  pool.use(100 * kMs, 20 * kSecond, 100 * kMs, 20 * kMs);  // always the one that came back last
  PoolUse use = analyze_pool(pool);
  EXPECT_THAT(use.memory.stale_bytes, Optional(900'000U));
  EXPECT_EQ(std::count_if(use.connections.begin(), use.connections.end(), [](const auto& one) { return one.stale; }),
            9);
  EXPECT_THAT(use.connections.at(0).idle_seconds, Optional(DoubleNear(60, 1e-9)));
  // A silence of the whole service makes nothing stale.
  SimulatedPool quiet;
  quiet.use(100 * kMs, 20 * kSecond, 100 * kMs, 20 * kMs);
  EXPECT_THAT(analyze_pool(quiet).memory.stale_bytes, Optional(0U));
  SimulatedPool little;
  little.use(0, kSecond, 100 * kMs, 20 * kMs);
  EXPECT_EQ(analyze_pool(little).memory.stale_bytes, std::nullopt);
}

TEST(PoolsAnalysis, AConnectionThatWaitsNoLongerThanTwiceWhatOthersDidIsNotStale) {
  for (const std::int64_t end_us : {36 * kSecond, 39 * kSecond}) {
    SimulatedPool pool;
    pool.make(0);
    pool.make(0);
    pool.use(kSecond, 5 * kSecond, 100 * kMs, 20 * kMs);
    const auto one = *pool.check_out(15 * kSecond, 900);  // idle for ten seconds
    const auto two = *pool.check_out(16 * kSecond, 901);
    pool.put_back(17 * kSecond, one);
    pool.put_back(18 * kSecond, two);
    pool.use(19 * kSecond, end_us, 100 * kMs, 20 * kMs);  // the last one of them
    const auto connections = analyze_pool(pool).connections;
    EXPECT_EQ(std::any_of(connections.begin(), connections.end(), [](const auto& of) { return of.stale; }),
              end_us > 38 * kSecond);
  }
}

// Two requests a second each hold one of ten for half a second, evenly: one is in use all the time.
// Four requests at a time hold one each; another one, alone, holds five.
TEST(PoolsAnalysis, PoolsOfOneNameInSeveralWorkersAreOne) {
  RecordedPools recorded;
  recorded.tables.workers = {worker_row(1), worker_row(2), worker_row(3)};
  recorded.tables.workers[0].ended_us = 10 * kSecond;  // replaced by the third
  recorded.tables.workers[2].started_us = 11 * kSecond;
  for (std::int64_t worker = 1; worker <= 3; ++worker) {
    SimulatedPool pool = used_pool();
    pool.id = pool.worker = worker;
    for (auto& event : pool.events) event.pool = event.worker = worker;
    recorded.add(pool, sqlalchemy_row());
  }
  const PoolsResult result = recorded.analyze();
  ASSERT_EQ(result.pools.size(), 1U);
  EXPECT_EQ(result.pools[0].workers, 2U);
  EXPECT_EQ(result.pools[0].size, 2U);
  EXPECT_EQ(result.pools[0].checkouts, 600U);
  EXPECT_EQ(result.pools[0].memory.live_bytes, 200'000U);
  PoolsOptions options;
  options.workers = {2};
  EXPECT_EQ(recorded.analyze(options).pools.at(0).checkouts, 200U);
  options.workers = {4};
  EXPECT_THROW(recorded.analyze(options), std::invalid_argument);
}

TEST(PoolsAnalysis, AMasterThatUsedItsPoolIsNoWorkerOfIt) {
  RecordedPools recorded;
  recorded.tables.workers = {worker_row(1), worker_row(2), worker_row(3)};
  for (std::int64_t worker = 1; worker <= 3; ++worker) {
    SimulatedPool pool;
    pool.id = pool.worker = worker;
    pool.use(0, worker == 1 ? kSecond : 20 * kSecond, 100 * kMs, 20 * kMs);
    recorded.add(pool, sqlalchemy_row());
    if (worker > 1) recorded.spans.push_back({worker, 1, 200, 0, 20 * kSecond, 0});
  }
  const PoolUse use = recorded.analyze().pools.at(0);
  EXPECT_EQ(use.workers, 2U);
  EXPECT_EQ(use.size, 3U);
  EXPECT_EQ(use.recommendations.at(0).workers, 2U);
  recorded.spans.clear();
  EXPECT_EQ(recorded.analyze().pools.at(0).workers, 3U);  // nobody serves: all are alike
}

TEST(PoolsAnalysis, APoolThatWasClosedIsShownAsItWasLastUsed) {
  SimulatedPool pool;
  for (int i = 0; i < 5; ++i) pool.make(0);
  pool.close(kMs, 1);
  pool.use(kSecond, 20 * kSecond, 100 * kMs, 20 * kMs);
  while (!pool.idle().empty()) pool.close(30 * kSecond, pool.idle().front());
  const PoolUse use = analyze_pool(pool);
  EXPECT_EQ(use.closed_workers, 1U);
  EXPECT_EQ(use.size, 4U);
  EXPECT_EQ(use.idle, 4U);
  EXPECT_EQ(use.memory.live_bytes, 400'000U);
  EXPECT_TRUE(use.leaks.empty());
}

TEST(PoolsAnalysis, WhatIsUnlimitedHasNoLimit) {
  recording::PoolRow row = sqlalchemy_row();
  row.settings = R"({"pool_size": 5, "max_overflow": -1})";
  EXPECT_EQ(analyze_pool(used_pool(), row).max_size, std::nullopt);
  row.library = "redis";
  row.max_size.reset();
  row.settings = R"({"max_connections": 2147483648})";
  EXPECT_EQ(analyze_pool(used_pool(), row).max_size, std::nullopt);
  row.settings = R"({"max_connections": 50})";
  EXPECT_EQ(analyze_pool(used_pool(), row).max_size, 50U);
}

TEST(PoolsAnalysis, ChoosesPoolsByName) {
  RecordedPools recorded;
  recorded.add(used_pool(), sqlalchemy_row());
  PoolsOptions options;
  options.pools = {"ord*"};
  EXPECT_EQ(recorded.analyze(options).pools.size(), 1U);
  options.pools = {"ordres"};
  const PoolsResult none = recorded.analyze(options);
  EXPECT_TRUE(none.pools.empty());
  EXPECT_EQ(none.unmatched.at(0).nearest, "orders");
}

// Events in an order that no pool makes, of connections that were never made, with figures at the ends of their range.
TEST(PoolsAnalysis, TakesWhateverAFileHolds) {
  std::mt19937_64 random(3);
  const auto number = [&random]() -> std::int64_t {
    constexpr std::array<std::int64_t, 6> kValues{0, 1, 7, INT64_MAX, INT64_MIN, -1};
    return kValues[random() % kValues.size()];
  };
  for (int run = 0; run < 50; ++run) {
    RecordedPools recorded;
    recorded.rows = {sqlalchemy_row()};
    recorded.rows[0].max_size = number();
    recorded.rows[0].max_overflow = number();
    recorded.rows[0].timeout_us = number();
    recorded.rows[0].settings = run % 2 == 0 ? "[" : R"({"pool_size": 1e308, "max_overflow": -1e308})";
    for (int i = 0; i < 300; ++i) {
      recorded.events.push_back({1,
                                 1,
                                 number(),
                                 static_cast<recording::PoolEventKind>(random() % 6),
                                 number(),
                                 number(),
                                 number(),
                                 number(),
                                 number(),
                                 number(),
                                 number(),
                                 number(),
                                 number(),
                                 number(),
                                 {}});
    }
    for (std::int64_t i = 0; i < 5; ++i) {
      recorded.connections.push_back({1, 1, i, number(), number(), static_cast<ConnectionState>(random() % 5), number(),
                                      number(), number(), number(), number(), number(), number()});
    }
    const PoolsResult result = recorded.analyze();
    EXPECT_FALSE(result.pools.at(0).name.empty());
  }
}

}  // namespace
}  // namespace heapledger::analysis
