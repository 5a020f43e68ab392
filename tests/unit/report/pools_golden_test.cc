#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "../analysis/pool_simulation.h"
#include "golden.h"
#include "report/json_document.h"
#include "report/pools_text.h"
#include "report/pools_words.h"
#include "report/printable.h"

namespace heapledger::report {
namespace {

using namespace analysis;
using testing::HasSubstr;
using testing::Not;

// Two workers with a pool of the database, in one of which connections are lost, and one with too few uses to judge.
RecordedPools shop() {
  RecordedPools recorded;
  recorded.tables.workers = {worker_row(1), worker_row(2)};
  for (auto& worker : recorded.tables.workers) worker.rss_bytes = 120 << 20;
  recorded.tables.endpoints = {{1, "GET", "/orders", "", false}, {2, "POST", "/pay", "v2", false}};
  recorded.code.places = {{1, "connect", "/venv/lib/python3.11/site-packages/sqlalchemy/pool/base.py", 899},
                          {2, "pay", "/srv/shop/app/pay.py", 12},
                          {3, "post", "/srv/shop/app/views.py", 40}};
  recorded.code.stacks = {{1, {1, 2, 3}, false}};
  for (std::int64_t worker = 1; worker <= 2; ++worker) {
    SimulatedPool pool(15, 412 * 1024);
    pool.id = pool.worker = worker;
    for (int i = 0; i < 4; ++i) pool.make(0);
    pool.use(kSecond, 50 * kSecond, 200 * kMs, 300 * kMs);
    if (worker == 1) {
      pool.check_out(51 * kSecond, 901, 2, 2 * kMs);
      pool.check_out(52 * kSecond, 902, 2, 30 * kMs);
      pool.check_out(53 * kSecond);
    }
    recorded.add(pool, sqlalchemy_row());
  }
  for (auto& row : recorded.connections) {
    if (row.state == recording::ConnectionState::kInUse) row.stack = 1;
    row.native_bytes = 64 * 1024;
  }
  for (std::int64_t worker = 1; worker <= 2; ++worker) {
    SimulatedPool pool(15, 100 * 1024);
    pool.id = 3 + worker;
    pool.worker = worker;
    for (int i = 0; i < 8; ++i) pool.make(0);
    pool.use(kSecond, 50 * kSecond, 200 * kMs, 300 * kMs);
    recording::PoolRow row = sqlalchemy_row(pool.id, worker);
    row.name = "users";
    recorded.add(pool, row);
  }
  SimulatedPool cache;
  cache.id = 3;
  cache.use(0, 10 * kSecond, kSecond, kMs);
  recording::PoolRow row;
  row.name = "redis://cache:6379/0";
  row.library = "redis";
  row.max_size = 50;
  row.settings = R"({"max_connections": 50})";
  recorded.add(cache, row);
  return recorded;
}

RecordedPools hostile() {
  RecordedPools recorded;
  recorded.tables.endpoints = {{1, "GET", "/\x1b[31mred\n", "=1+1", false}};
  recorded.code.places = {{1, "f\x1b]0;t\x07", "/srv/\u202eyp.py", 1}};
  recorded.code.stacks = {{1, {1}, false}};
  SimulatedPool pool;
  pool.use(0, 20 * kSecond, 100 * kMs, 20 * kMs);
  pool.check_out(21 * kSecond, 901);
  recording::PoolRow row = sqlalchemy_row();
  row.name = "=cmd|' /C calc'!A0\x1b[2J\u202e";
  row.library = "@lib\n";
  row.settings = "{}";
  recorded.add(pool, row);
  for (auto& connection : recorded.connections) connection.stack = 1;
  return recorded;
}

TEST(PoolsGolden, ShopText) { expect_golden("pools/shop.txt", shop().analyze().to_text()); }
TEST(PoolsGolden, ShopJson) { expect_golden("pools/shop.json", shop().analyze().to_json()); }
TEST(PoolsGolden, ShopCsv) { expect_golden("pools/shop.csv", shop().analyze().to_csv()); }
TEST(PoolsGolden, ShopInColour) { expect_golden("pools/shop_colour.txt", pools_text(shop().analyze(), {80, true})); }
TEST(PoolsGolden, HostileText) { expect_golden("pools/hostile.txt", hostile().analyze().to_text()); }
TEST(PoolsGolden, HostileJson) { expect_golden("pools/hostile.json", hostile().analyze().to_json()); }
TEST(PoolsGolden, HostileCsv) { expect_golden("pools/hostile.csv", hostile().analyze().to_csv()); }

TEST(PoolsGolden, EmptyInEveryFormat) {
  const PoolsResult result = RecordedPools().analyze();
  EXPECT_EQ(result.to_text(), "nothing recorded\n");
  expect_golden("pools/empty.json", result.to_json());
  expect_golden("pools/empty.csv", result.to_csv());
}

TEST(PoolsText, HoldsNoControlCharacterOfTheService) {
  std::istringstream lines(hostile().analyze().to_text());
  for (std::string line; std::getline(lines, line);) EXPECT_EQ(printable(line), line);
}

TEST(PoolsText, SaysWhatWasLostOnTheWay) {
  PoolsResult result = shop().analyze();
  EXPECT_THAT(result.to_text(), Not(HasSubstr("lost: counts")));
  result.dropped_events = 7;
  result.folded_events = 1000;
  result.events_since_unix_us = 0;
  EXPECT_THAT(result.to_text(), HasSubstr("7 events of pools were lost: counts and times are without them"));
  EXPECT_THAT(result.to_text(), HasSubstr("1,000 events of pools given up for --max-size"));
  EXPECT_THAT(result.to_json(), HasSubstr("\"dropped_pool_events\": 7"));
}

TEST(PoolsText, BytesOfConnectionsThatNobodySawBeingMadeAreNotKnown) {
  RecordedPools recorded;
  recorded.add(used_pool(), sqlalchemy_row());
  EXPECT_THAT(recorded.analyze().to_text(), HasSubstr("\nbytes    97.7 KiB in all, "));
  for (auto& row : recorded.connections) row.live_bytes = row.allocated_bytes = 0;
  for (auto& event : recorded.events) event.live_bytes = 0;
  EXPECT_THAT(recorded.analyze().to_text(), HasSubstr("\nbytes    not known: no connection was seen being made\n"));
}

TEST(PoolsText, CutsItsListsWhenTheyAreLong) {
  PoolsOptions options;
  options.limit = 1;
  const std::string text = shop().analyze(options).to_text();
  EXPECT_THAT(text, HasSubstr("\n(1 more, 1 connection: --limit 0)\n"));
  EXPECT_THAT(text, HasSubstr("\nPOST /pay (v2)          2      2 "));  // it leaks, so it is not cut off
  EXPECT_THAT(text, Not(HasSubstr("\nGET /orders            490 ")));
  EXPECT_THAT(text, HasSubstr("\n(2 more: --limit 0)\n"));
  EXPECT_THAT(shop().analyze(options).to_json(), HasSubstr("held_long"));
}

TEST(PoolsWords, GiveEveryPatternItsEvidence) {
  PoolTrend trend;
  trend.pattern = PoolPattern::kGrowing;
  trend.first = 2;
  trend.last = 9;
  trend.cycles = 4;
  trend.time_ratio = 0.05;
  EXPECT_EQ(trend_reason(trend), "connections in use never below 2 at first, 9 of late");
  trend.of_size = true;
  trend.pattern = PoolPattern::kShrinking;
  EXPECT_EQ(trend_reason(trend), "size up to 2 at first, 9 of late");
  trend.pattern = PoolPattern::kSawtooth;
  EXPECT_EQ(trend_reason(trend), "size rises slowly from about 2 to 9 and drops, 4 times");
  trend.pattern = PoolPattern::kBursty;
  EXPECT_EQ(trend_reason(trend), "2 in use half of the time at most, up to 9 in 4 bursts, 5.0 % of the time");
  trend.first = 0;
  EXPECT_EQ(trend_reason(trend), "none in use half of the time, up to 9 in 4 bursts, 5.0 % of the time");
  trend.pattern = PoolPattern::kStable;
  EXPECT_EQ(trend_reason(trend), "size between 0 and 9, with no direction, but for the first eighth of the time");
  trend.first = 9;
  EXPECT_EQ(trend_reason(trend), "size 9 but for the first eighth of the time");
  trend.from_first = true;
  EXPECT_EQ(trend_reason(trend), "size 9 since the first event");
  trend.pattern = PoolPattern::kUnknown;
  trend.checkouts = 1;
  trend.needed = 20;
  EXPECT_EQ(trend_reason(trend), "1 checkout, needs about 20");
}

TEST(PoolsExtremes, AreRendered) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  for (const std::int64_t value : {kMost, std::int64_t{0}, kLeast}) {
    RecordedPools recorded;
    recorded.rows = {sqlalchemy_row()};
    recorded.tables.end_us = value;
    for (int i = 0; i < 400; ++i) {
      const auto kind = static_cast<recording::PoolEventKind>(i % 6);
      recorded.events.push_back({1,
                                 1,
                                 i % 3 == 0 ? value : -value / 2,
                                 kind,
                                 i % 5,
                                 1,
                                 value,
                                 value,
                                 value,
                                 value,
                                 value,
                                 value,
                                 value,
                                 value,
                                 {}});
    }
    for (std::int64_t i = 0; i < 5; ++i) {
      recorded.connections.push_back(
          {1, 1, i, value, {}, static_cast<recording::ConnectionState>(i), value, value, value, value, 1, value, {}});
    }
    const PoolsResult result = recorded.analyze();
    EXPECT_FALSE(result.to_text().empty());
    EXPECT_FALSE(result.to_csv().empty());
    EXPECT_TRUE(Json::accept(result.to_json()));
  }
}

}  // namespace
}  // namespace heapledger::report
