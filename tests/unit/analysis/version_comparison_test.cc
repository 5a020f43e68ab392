#include "analysis/version_comparison.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "leak_rows.h"
#include "version_rows.h"

namespace heapledger::analysis {
namespace {

using Rows = std::vector<recording::RequestCostRow>;

void serve(Rows& rows, std::int64_t endpoint, int count, std::int64_t peak_bytes, std::int64_t worker = 1) {
  for (int i = 0; i < count; ++i) {
    rows.push_back(cost_row(endpoint, peak_bytes, i * 100'000LL, worker));
  }
}

TEST(VersionComparison, EachVersionIsComparedWithTheOneBeforeIt) {
  const VersionRecording recording = versions_recording({{1, "GET", "/v10/a/{x}", "v10", false},
                                                         {2, "GET", "/v2/a/<y>", "v2", false},
                                                         {3, "GET", "/v1/a/{z}", "", false},
                                                         {4, "POST", "/v1/a/{z}", "v1", false},
                                                         {5, "GET", "/health", "", false},
                                                         {6, "GET", "/v10/new", "v10", false},
                                                         {7, "GET", "<unmatched>", "v1", false}});
  Rows rows;
  for (const std::int64_t endpoint : {1, 2, 3, 4, 5, 6, 7}) {
    serve(rows, endpoint, 300, endpoint * 1000);
  }
  const VersionsResult result = compare(recording, rows);
  EXPECT_EQ(result.versions, (std::vector<std::string>{"v1", "v2", "v10"}));
  ASSERT_EQ(result.pairs.size(), 2U);
  for (const VersionPair& pair : result.pairs) {
    EXPECT_EQ(pair.route, "/a/{}");
    EXPECT_EQ(pair.verdict, VersionVerdict::kImprovement);
  }
  EXPECT_EQ(result.pairs[0].from + result.pairs[1].from, "v1v2");
  EXPECT_EQ(result.pairs[0].to + result.pairs[1].to, "v2v10");
  ASSERT_EQ(result.added.size(), 1U);
  EXPECT_EQ(result.added[0].id.route, "/v10/new");
  ASSERT_EQ(result.removed.size(), 1U);
  EXPECT_EQ(result.removed[0].id.method, "POST");
  EXPECT_EQ(result.has_regression(), false);
}

TEST(VersionComparison, AnEndpointThatNoRequestHasEndedOfIsNoVersion) {
  VersionRecording recording = versions_recording({{1, "GET", "/a", "", false}, {2, "GET", "/a", "v2", false}});
  recording.spans.erase(recording.spans.begin());
  Rows rows;
  serve(rows, 2, 300, 3000);
  EXPECT_TRUE(compare(recording, rows).pairs.empty());
}

TEST(VersionComparison, WhatIsVersionedApartHasVersionsOfItsOwn) {
  const VersionRecording recording = versions_recording(
      {{1, "GET", "/v1/a", "v1", false}, {2, "GET", "/v2/a", "v2", false}, {3, "GET", "/api/v3/b", "v3", false}});
  Rows rows;
  for (const std::int64_t endpoint : {1, 2, 3}) serve(rows, endpoint, 300, 1000);
  const VersionsResult result = compare(recording, rows);
  EXPECT_EQ(result.pairs.size(), 1U);
  EXPECT_TRUE(result.added.empty());
  EXPECT_TRUE(result.removed.empty());
}

TEST(VersionComparison, RequestsWithoutAVersionAreTheEarliest) {
  const VersionRecording recording =
      versions_recording({{1, "GET", "/a", "", false}, {2, "GET", "/a", "v2", false}, {3, "GET", "/b", "", false}});
  Rows rows;
  serve(rows, 1, 300, 1000);
  serve(rows, 2, 300, 3000);
  const VersionsResult result = compare(recording, rows);
  ASSERT_EQ(result.pairs.size(), 1U);
  EXPECT_EQ(result.pairs[0].from, "");
  EXPECT_EQ(result.pairs[0].to, "v2");
  EXPECT_EQ(metric_of(result.pairs[0], "peak_bytes").ratio, 3);
  EXPECT_EQ(result.pairs[0].verdict, VersionVerdict::kRegression);
  EXPECT_EQ(result.has_regression(), true);
}

TEST(VersionComparison, FailedAndUnknownRequestsAreCountedApart) {
  const VersionRecording recording =
      versions_recording({{1, "GET", "/v1/a", "v1", false}, {2, "GET", "/v2/a", "v2", false}});
  Rows rows;
  serve(rows, 1, 300, 1000);
  serve(rows, 2, 300, 1000);
  for (int i = 0; i < 100; ++i) {
    rows.push_back(cost_row(2, 1, i));
    rows.back().status = 500;
    rows.push_back(cost_row(2, 1, i));
    rows.back().flags = 1;  // served while no owner was free
  }
  const VersionPair pair = compare(recording, rows).pairs.at(0);
  EXPECT_EQ(pair.to_requests, 300U);
  EXPECT_EQ(pair.to_errors, 100U);
  EXPECT_EQ(pair.to_left_out, 100U);
  EXPECT_EQ(pair.verdict, VersionVerdict::kSame);
}

TEST(VersionComparison, BodiesOfDifferentSizesAreNotCompared) {
  const VersionRecording recording =
      versions_recording({{1, "POST", "/v1/a", "v1", false}, {2, "POST", "/v2/a", "v2", false}});
  Rows rows;
  serve(rows, 1, 300, 1000);
  serve(rows, 2, 300, 100'000);
  for (auto& row : rows) {
    row.received_bytes = row.endpoint == 1 ? 1000 : 100'000;
  }
  const VersionPair pair = compare(recording, rows).pairs.at(0);
  EXPECT_EQ(pair.verdict, VersionVerdict::kInconclusive);
  EXPECT_EQ(pair.grounds, VersionGrounds::kDifferentPayloads);
  EXPECT_FALSE(metric_of(pair, "peak_bytes").ratio.has_value());
}

TEST(VersionComparison, ASmallerReplyIsTheNewVersionsMerit) {
  const VersionRecording recording =
      versions_recording({{1, "GET", "/v1/a", "v1", false}, {2, "GET", "/v2/a", "v2", false}});
  Rows rows;
  serve(rows, 1, 300, 100'000);
  serve(rows, 2, 300, 50'000);
  for (auto& row : rows) {
    row.sent_bytes = row.peak_bytes;
  }
  const VersionPair pair = compare(recording, rows).pairs.at(0);
  EXPECT_EQ(pair.verdict, VersionVerdict::kImprovement);
  EXPECT_EQ(pair.payload_matched.by, "");
  ASSERT_TRUE(pair.payload_matched.peak_bytes_per_payload_byte.has_value());
  EXPECT_EQ(pair.payload_matched.peak_bytes_per_payload_byte->verdict, VersionVerdict::kSame);
}

TEST(VersionComparison, RepliesOfTheSameSizesAreComparedEachWithItsLike) {
  const VersionRecording recording =
      versions_recording({{1, "GET", "/v1/a", "v1", false}, {2, "GET", "/v2/a", "v2", false}});
  Rows rows;
  for (int i = 0; i < 1000; ++i) {
    for (const std::int64_t endpoint : {1, 2}) {
      const bool large = i % 10 == 0 ? endpoint == 1 : endpoint == 2;
      rows.push_back(cost_row(endpoint, large ? 1'000'000 : 10'000, i));
      rows.back().sent_bytes = large ? 90'000 : 900;
    }
  }
  const VersionPair pair = compare(recording, rows).pairs.at(0);
  EXPECT_EQ(pair.verdict, VersionVerdict::kSame);
  EXPECT_EQ(pair.payload_matched.by, "sent_bytes");
  EXPECT_EQ(pair.payload_matched.strata, 2U);
}

TEST(VersionComparison, OfTwoRecordingsTheSameEndpointIsCompared) {
  const std::vector<recording::EndpointRow> endpoints{{1, "GET", "/v1/a", "v1", false},
                                                      {2, "GET", "/b", "", false},
                                                      {3, "GET", "/v1/moved", "v1", false},
                                                      {4, "GET", "/v1/gone", "v1", false}};
  const VersionRecording before = versions_recording(endpoints);
  const VersionRecording after = versions_recording({{9, "GET", "/v1/a", "v1", false},
                                                     {8, "GET", "/b", "", false},
                                                     {7, "GET", "/v2/moved", "v2", false},
                                                     {6, "GET", "/fresh", "", false}});
  Rows old_rows;
  Rows new_rows;
  for (const std::int64_t endpoint : {1, 2, 3, 4}) serve(old_rows, endpoint, 300, 1000);
  for (const std::int64_t endpoint : {9, 8, 7, 6}) serve(new_rows, endpoint, 300, endpoint == 8 ? 2000 : 1000);
  VersionComparison comparison(before, &after, {});
  for (const auto& row : old_rows) comparison.add(row);
  for (const auto& row : new_rows) {
    comparison.add_other(row);
  }
  std::mt19937_64 random(1);
  const VersionsResult result = comparison.finish(random);
  ASSERT_EQ(result.pairs.size(), 3U);
  EXPECT_EQ(result.pairs[0].route, "/b");
  EXPECT_EQ(result.pairs[0].verdict, VersionVerdict::kRegression);
  EXPECT_EQ(result.pairs[0].from, "before");
  const auto moved = std::find_if(result.pairs.begin(), result.pairs.end(),
                                  [](const VersionPair& pair) { return pair.route == "/moved"; });
  ASSERT_NE(moved, result.pairs.end());
  EXPECT_EQ(moved->to, "v2");
  EXPECT_EQ(moved->verdict, VersionVerdict::kSame);
  ASSERT_EQ(result.added.size(), 1U);
  EXPECT_EQ(result.added[0].id.route, "/fresh");
  ASSERT_EQ(result.removed.size(), 1U);
  EXPECT_EQ(result.removed[0].id.route, "/v1/gone");
  EXPECT_EQ(result.other->path, "small.db");
}

// Two recordings of one service on a machine that is slower: time differs, memory does not.
TEST(VersionComparison, TimeIsToldAndNotJudgedBy) {
  const VersionRecording one = versions_recording({{1, "GET", "/a", "", false}});
  Rows rows;
  serve(rows, 1, 300, 1000);
  VersionComparison comparison(one, &one, {});
  for (auto row : rows) {
    comparison.add(row);
    row.byte_seconds *= 2;
    comparison.add_other(row);
  }
  std::mt19937_64 random(1);
  const VersionPair pair = comparison.finish(random).pairs.at(0);
  EXPECT_EQ(metric_of(pair, "byte_seconds").verdict, VersionVerdict::kRegression);
  EXPECT_EQ(pair.verdict, VersionVerdict::kSame);
}

TEST(VersionComparison, ALeakThatIsNewIsARegression) {
  VersionRecording recording = versions_recording({{1, "GET", "/v1/a", "v1", false}, {2, "GET", "/v2/a", "v2", false}});
  LeakTables lives;
  add_life(lives, 1, 1, 1000, 3, 64, none_left);
  add_life(lives, 1, 2, 1000, 3, 4096, one_each);
  recording.leaks = find_leaks(recording.tables, lives, {});
  Rows rows;
  serve(rows, 1, 1000, 50'000);
  serve(rows, 2, 1000, 50'000);
  const VersionPair pair = compare(recording, rows).pairs.at(0);
  const VersionMetric& retained = metric_of(pair, "retained_bytes");
  EXPECT_EQ(retained.from, 0);
  EXPECT_EQ(retained.to, 4096);
  EXPECT_EQ(retained.verdict, VersionVerdict::kRegression);
  EXPECT_EQ(pair.verdict, VersionVerdict::kRegression);
  EXPECT_EQ(metric_of(pair, "peak_bytes").verdict, VersionVerdict::kSame);
}

TEST(VersionComparison, MigrationIsReckonedFromRatesAndByteSeconds) {
  VersionRecording recording = versions_recording(
      {{1, "GET", "/v1/a", "v1", true}, {2, "GET", "/v2/a", "v2", false}, {3, "GET", "/v1/b", "v1", true}});
  recording.notices.notices = {{1, "@1688169599", "Sun, 30 Jun 2030 23:59:59 GMT"}};
  recording.notices.marks = {{1, 1, "old fields", 30, 3'000'000, 150'000, 60'000},
                             {1, std::nullopt, "shim", 10, 100, 100, 1}};
  Rows rows;
  serve(rows, 1, 301, 200'000);  // over 30 s, 2,000 byte-seconds each
  serve(rows, 2, 301, 100'000);
  serve(rows, 3, 301, 1000);
  const VersionsResult result = compare(recording, rows);
  ASSERT_EQ(result.capacity.size(), 11U);
  const double rate = 301.0 / 30;
  EXPECT_NEAR(result.capacity[0].mean_live_bytes, rate * (2000 + 1000 + 10), 1e-6);
  EXPECT_NEAR(result.capacity[10].mean_live_bytes, rate * (1000 + 1000 + 10), 1e-6);
  EXPECT_NEAR(result.capacity[5].migrated_ratio, 0.5, 1e-12);
  ASSERT_EQ(result.steps.size(), 2U);
  EXPECT_EQ(result.steps[0].action, MigrationAction::kMigrate);
  EXPECT_NEAR(*result.steps[0].mean_live_bytes_change, -rate * 1000, 1e-6);
  EXPECT_EQ(result.steps[1].action, MigrationAction::kNoSuccessor);
  ASSERT_EQ(result.deprecated.size(), 2U);
  EXPECT_EQ(result.deprecated[0].id.route, "/v1/a");
  EXPECT_EQ(result.deprecated[0].replaced_by, "v2");
  EXPECT_EQ(result.deprecated[0].sunset, "Sun, 30 Jun 2030 23:59:59 GMT");
  EXPECT_NEAR(result.deprecated[0].mean_live_bytes, rate * 2000, 1e-6);
  EXPECT_DOUBLE_EQ(result.deprecated[0].route_requests_ratio, 0.5);
  EXPECT_EQ(result.deprecated[1].replaced_by, "");
  ASSERT_EQ(result.compatibility.size(), 2U);
  EXPECT_EQ(result.compatibility[0].name, "old fields");
  EXPECT_NEAR(*result.compatibility[0].allocated_ratio, 3e6 / (301 * 400'000.0), 1e-12);
  EXPECT_FALSE(result.compatibility[1].endpoint.has_value());
}

TEST(VersionComparison, RiskIsOfTheTrafficWithTheOldVersionsRequestsMadeNewOnes) {
  const VersionRecording recording =
      versions_recording({{1, "GET", "/v1/a", "v1", false}, {2, "GET", "/v2/a", "v2", false}});
  Rows rows;
  serve(rows, 1, 301, 1'000'000);
  serve(rows, 2, 301, 4'000'000);
  Traffic traffic(recording.tables, {{1, 1, 301, 0, 30'000'000}, {1, 2, 301, 0, 30'000'000}},
                  Selection({}, recording.tables));
  for (const auto& row : rows) {
    recording::RequestLevelRow level;
    level.endpoint = row.endpoint;
    level.started_us = row.started_us;
    level.duration_us = 100'000;
    level.peak_bytes = row.peak_bytes;
    level.byte_seconds = static_cast<double>(row.peak_bytes) / 10;
    traffic.add(level);
  }
  VersionComparison comparison(recording, nullptr, {});
  for (const auto& row : rows) comparison.add(row);
  std::mt19937_64 random(1);
  const VersionRisk risk(traffic, 20e6, random);
  const VersionPair pair = comparison.finish(random, &risk).pairs.at(0);
  ASSERT_TRUE(pair.risk.has_value());
  EXPECT_GT(pair.risk->now_per_day, 0);
  EXPECT_GT(pair.risk->migrated_per_day, 3 * pair.risk->now_per_day);
  EXPECT_LE(pair.risk->migrated_interval.low, pair.risk->migrated_per_day);
  EXPECT_GE(pair.risk->migrated_interval.high, pair.risk->migrated_per_day);
}

// Requests of 10 a second, three times as fast in the second recording: its rates are not what counts.
TEST(VersionComparison, RiskOfTwoRecordingsIsAtTheRatesOfTheFirst) {
  const std::vector<recording::EndpointRow> endpoints{{1, "GET", "/a", "", false}, {2, "GET", "/b", "", false}};
  const VersionRecording before = versions_recording(endpoints);
  const VersionRecording after = versions_recording(endpoints);
  const auto traffic_of = [](const VersionRecording& recording, std::int64_t step_us, std::int64_t peak_of_a) {
    Traffic traffic(recording.tables, {{1, 1, 301, 0, 300 * step_us}, {1, 2, 301, 0, 300 * step_us}},
                    Selection({}, recording.tables), KeptValues::kNone);
    for (std::int64_t i = 0; i < 602; ++i) {
      recording::RequestLevelRow level;
      level.endpoint = 1 + i % 2;
      level.started_us = i / 2 * step_us;
      level.duration_us = 100'000;
      level.peak_bytes = level.endpoint == 1 ? peak_of_a : 1'000'000;
      level.byte_seconds = static_cast<double>(level.peak_bytes) / 10;
      traffic.add(level);
    }
    return traffic;
  };
  const Traffic slow = traffic_of(before, 100'000, 1'000'000);
  EXPECT_TRUE(slow.classes().at(0).peaks.empty() && slow.replay().empty());
  std::mt19937_64 random(1);
  const auto risk_with = [&](const Traffic& other) {
    VersionComparison comparison(before, &after, {});
    Rows rows;
    serve(rows, 1, 301, 1'000'000);
    serve(rows, 2, 301, 1'000'000);
    for (const auto& row : rows) comparison.add(row);
    for (const auto& row : rows) comparison.add_other(row);
    return comparison.finish(random, std::make_unique<VersionRisk>(slow, 12e6, random, &other).get());
  };
  const VersionsResult same = risk_with(traffic_of(after, 33'333, 1'000'000));
  ASSERT_TRUE(same.risk.has_value());
  EXPECT_GT(same.risk->now_per_day, 0);
  EXPECT_NEAR(same.risk->migrated_per_day / same.risk->now_per_day, 1, 0.05);
  const VersionsResult more = risk_with(traffic_of(after, 33'333, 4'000'000));
  ASSERT_TRUE(more.risk.has_value());
  EXPECT_GT(more.risk->migrated_per_day, 10 * more.risk->now_per_day);
  for (const VersionPair& pair : more.pairs) {
    ASSERT_TRUE(pair.risk.has_value());
    const double of_pair = pair.risk->migrated_per_day;
    EXPECT_NEAR(of_pair / (pair.route == "/a" ? more.risk->migrated_per_day : more.risk->now_per_day), 1, 0.05);
  }
}

TEST(VersionComparison, NothingRecordedIsNothing) {
  const VersionsResult result = compare(versions_recording({}), {});
  EXPECT_TRUE(result.pairs.empty());
  EXPECT_FALSE(result.has_regression().has_value());
}

TEST(VersionComparison, LinesThatAllocateMoreAreNamed) {
  VersionRecording recording = versions_recording({{1, "GET", "/v1/a", "v1", false}, {2, "GET", "/v2/a", "v2", false}});
  recording.code.places = {{1, "load", "/srv/shop/load.py", 10}, {2, "shape", "/srv/shop/shape.py", 20}};
  recording.code.stacks = {{1, {1}, false}, {2, {2}, false}};
  const auto site = [](std::int64_t endpoint, std::int64_t stack, double bytes) {
    recording::SiteRow row;
    row.worker = 1;
    row.endpoint = endpoint;
    row.stack = stack;
    row.samples = 400;
    row.allocated_bytes = bytes;
    return row;
  };
  recording.code.sites = {site(1, 1, 3e6), site(2, 1, 3e6), site(2, 2, 9e6)};
  Rows rows;
  serve(rows, 1, 300, 1000);
  serve(rows, 2, 300, 1000);
  const VersionPair pair = compare(recording, rows).pairs.at(0);
  ASSERT_EQ(pair.sites.size(), 1U);
  EXPECT_EQ(pair.sites[0].stack.places[0].function, "shape");
  EXPECT_EQ(pair.sites[0].from_bytes.bytes, 0U);
  EXPECT_EQ(pair.sites[0].to_bytes.bytes, 30'000U);
}

}  // namespace
}  // namespace heapledger::analysis
