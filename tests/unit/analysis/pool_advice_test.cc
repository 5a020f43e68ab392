// What settings should be, where the load is known.
#include "analysis/pool_advice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pool_simulation.h"

namespace heapledger::analysis {
namespace {

using testing::Optional;

const PoolRecommendation* find(const PoolUse& use, const std::string& setting) {
  for (const auto& made : use.recommendations) {
    if (made.name == setting) return &made;
  }
  return nullptr;
}

TEST(PoolAdvice, NothingIsRecommendedFromTooFewCheckouts) {
  SimulatedPool pool;
  pool.use(0, 9900 * kMs, 100 * kMs, 20 * kMs);
  const PoolUse use = analyze_pool(pool);
  EXPECT_TRUE(use.recommendations.empty());
  EXPECT_EQ(use.needed_checkouts, 100U);
}

TEST(PoolAdvice, SizesFollowFromTheLoad) {
  SimulatedPool pool;
  for (int i = 0; i < 10; ++i) pool.make(0);
  pool.use(0, 60 * kSecond, 500 * kMs, 500 * kMs);
  const PoolUse use = analyze_pool(pool);
  ASSERT_NE(find(use, "pool_size"), nullptr);
  const PoolRecommendation& kept = *find(use, "pool_size");
  EXPECT_EQ(kept.suggested, 1);
  EXPECT_THAT(kept.current, Optional(5.0));
  EXPECT_EQ(kept.saves_bytes, 400'000);
  EXPECT_EQ(kept.config, "create_engine(url, pool_size=1)");
  const PoolRecommendation& overflow = *find(use, "max_overflow");
  EXPECT_NEAR(overflow.load, 1, 0.01);
  EXPECT_EQ(overflow.suggested, 4);  // C(5, 1) = 0.4 %, C(4, 1) = 2 %
  EXPECT_THAT(overflow.current, Optional(10.0));
  EXPECT_LE(overflow.wait_ratio, 0.01);
  EXPECT_EQ(overflow.config, "create_engine(url, max_overflow=4)");
  const PoolRecommendation& timeout = *find(use, "pool_timeout");
  EXPECT_EQ(timeout.suggested, 1);
  EXPECT_THAT(timeout.current, Optional(30.0));
}

TEST(PoolAdvice, WhileConnectionsAreLostNoSizeIsRecommended) {
  SimulatedPool pool;
  for (int i = 0; i < 30; ++i) {
    pool.use(i * kSecond, (i + 1) * kSecond, 100 * kMs, 10 * kMs);
    pool.check_out(i * kSecond + 950 * kMs, 10'000 + i);
  }
  const PoolUse use = analyze_pool(pool);
  EXPECT_EQ(use.leaks.size(), 30U);
  EXPECT_EQ(use.lost, 30U);
  EXPECT_TRUE(use.recommendations.empty());
}

TEST(PoolAdvice, ConnectionsThatAreHeldForLongAreNoLoad) {
  SimulatedPool pool;
  for (int i = 0; i < 30; ++i) pool.use(i * kSecond, (i + 1) * kSecond, 100 * kMs, 10 * kMs);
  for (int i = 0; i < 20; ++i) pool.check_out(20 * kSecond);
  const PoolUse use = analyze_pool(pool);
  EXPECT_EQ(use.leaks.size(), 20U);
  EXPECT_EQ(use.lost, 0U);
  EXPECT_LT(find(use, "max_overflow")->load, 0.3);
  EXPECT_EQ(find(use, "pool_size")->suggested, 1);
}

TEST(PoolAdvice, NoConnectionIsSavedTwice) {
  for (const auto& [made, kept_bytes, overflow_bytes] :
       {std::tuple(10, 400'000, 500'000), std::tuple(4, 300'000, 0), std::tuple(1, 0, 0)}) {
    SimulatedPool pool;
    for (int i = 0; i < made; ++i) pool.make(0);
    pool.use(0, 60 * kSecond, 500 * kMs, 500 * kMs);
    const PoolUse use = analyze_pool(pool);  // pool_size 5, max_overflow 10; 1 and 4 are suggested
    EXPECT_EQ(find(use, "pool_size")->saves_bytes, kept_bytes) << made;
    EXPECT_EQ(find(use, "max_overflow")->saves_bytes, overflow_bytes) << made;
  }
  SimulatedPool idle;
  for (int i = 0; i < 10; ++i) idle.make(0);
  idle.use(0, 60 * kSecond, 500 * kMs, 20 * kMs);
  const PoolUse use = analyze_pool(idle);  // two at most are suggested: three to five are saved by the first alone
  EXPECT_EQ(find(use, "pool_size")->suggested + find(use, "max_overflow")->suggested, 2);
  EXPECT_EQ(find(use, "pool_size")->saves_bytes, 400'000);
  EXPECT_EQ(find(use, "max_overflow")->saves_bytes, 500'000);
}

TEST(PoolAdvice, RequestsThatHoldSeveralNeedTheFloorBelowWhichTheyBlockEachOther) {
  SimulatedPool pool;
  for (std::int64_t i = 0; i < 50; ++i) {
    std::vector<std::int64_t> taken;
    for (std::int64_t k = 0; k < 4; ++k) taken.push_back(*pool.check_out(i * kSecond, i * 10 + k));
    for (const std::int64_t one : taken) pool.put_back(i * kSecond + kMs, one);
    taken.clear();
    for (int k = 0; k < 5; ++k) taken.push_back(*pool.check_out(i * kSecond + 500 * kMs, i * 10 + 9));
    for (const std::int64_t one : taken) pool.put_back(i * kSecond + 501 * kMs, one);
  }
  const PoolUse use = analyze_pool(pool);
  EXPECT_EQ(use.endpoints.at(0).most_held, 5U);
  EXPECT_EQ(find(use, "max_overflow")->grounds, PoolGrounds::kDeadlock);
  EXPECT_EQ(find(use, "max_overflow")->requests, 4U);
  EXPECT_EQ(find(use, "pool_size")->suggested + find(use, "max_overflow")->suggested, 4 * (5 - 1) + 1);
}

TEST(PoolAdvice, NothingIsRecommendedThatDoesNotFitUnderTheLimit) {
  RecordedPools recorded;
  recorded.tables.workers = {worker_row(1), worker_row(2)};
  for (std::int64_t worker = 1; worker <= 2; ++worker) {
    SimulatedPool pool(1000, 10 << 20);
    pool.id = pool.worker = worker;
    for (int i = 0; i < 100; ++i) {
      std::vector<std::int64_t> taken;
      for (int k = 0; k < 20; ++k) taken.push_back(*pool.check_out(i * 100 * kMs, i * 100 + k));
      for (const std::int64_t one : taken) pool.put_back(i * 100 * kMs + 90 * kMs, one);
    }
    recorded.add(pool, sqlalchemy_row());
    recorded.tables.workers[static_cast<std::size_t>(worker - 1)].rss_bytes = 300 << 20;
  }
  PoolsOptions options;
  const auto most = [&] {
    const PoolUse use = recorded.analyze(options).pools.at(0);
    return find(use, "pool_size")->suggested + find(use, "max_overflow")->suggested;
  };
  EXPECT_GE(most(), 20);
  options.memory_limit_bytes = 310 << 20;  // 200 MiB are the service's own: five of 10 MiB fit, twice
  EXPECT_EQ(most(), 5);
}

TEST(PoolAdvice, AConnectionThatGrowsIsRecycledBeforeItDoubles) {
  SimulatedPool pool;
  for (std::int64_t i = 0; i < 200; ++i) {
    const auto one = *pool.check_out(i * 100 * kMs, i);
    pool.put_back(i * 100 * kMs + 10 * kMs, one, 1000);
  }
  const PoolUse use = analyze_pool(pool);
  ASSERT_NE(find(use, "pool_recycle"), nullptr);
  EXPECT_EQ(find(use, "pool_recycle")->grounds, PoolGrounds::kGrows);
  EXPECT_NEAR(find(use, "pool_recycle")->bytes_each, 10'000, 200);  // a second
  EXPECT_EQ(find(analyze_pool(used_pool()), "pool_recycle"), nullptr);
}

TEST(PoolAdvice, DjangosConnectionForEveryRequestIsKept) {
  SimulatedPool pool;
  for (std::int64_t i = 0; i < 150; ++i) {
    const auto one = *pool.check_out(i * 100 * kMs, i);
    pool.put_back(i * 100 * kMs + 10 * kMs, one);
    pool.close(i * 100 * kMs + 10 * kMs, one);
  }
  recording::PoolRow row = sqlalchemy_row();
  row.library = "Django";
  row.settings = R"({"CONN_MAX_AGE": 0})";
  const PoolUse use = analyze_pool(pool, row);
  ASSERT_EQ(use.recommendations.size(), 1U);
  EXPECT_EQ(use.recommendations[0].config, "DATABASES[\"default\"][\"CONN_MAX_AGE\"] = 60");
  EXPECT_EQ(use.recommendations[0].level_ratio, 1);
  EXPECT_EQ(use.memory.per_connection_bytes->p50, 100'000U);  // of those that are closed
}

}  // namespace
}  // namespace heapledger::analysis
