// Verdicts of endpoints over workers, limits and sites, on rows whose answers are known.
#include "analysis/leaks_analysis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "leak_rows.h"

namespace heapledger::analysis {
namespace {

using testing::DoubleNear;

RecordingTables tables_of_two_workers() {
  RecordingTables tables = small_tables();
  tables.workers = {worker_row(1), worker_row(2)};
  for (auto& worker : tables.workers) worker.rss_bytes = 100 * 1024 * kLeakKiB;
  return tables;
}

LeaksResult find(const LeakTables& survivors, const LeaksOptions& options = {}) {
  return find_leaks(tables_of_two_workers(), survivors, options);
}

TEST(LeaksAnalysis, ALeakInOneWorkerIsALeakWithTheMeanOfTheJudged) {
  LeakTables survivors;
  add_life(survivors, 1, 1, 1000, 10, 64 * kLeakKiB, one_each);
  add_life(survivors, 2, 1, 3000, 10, 64 * kLeakKiB, none_left);
  const auto result = find(survivors);
  ASSERT_EQ(result.findings.size(), 1U);
  const LeakFinding& finding = result.findings.front();
  EXPECT_EQ(finding.verdict, LeakVerdict::kLeak);
  EXPECT_THAT(finding.bytes_per_request, testing::Optional(DoubleNear(16 * 1024, 1)));
  EXPECT_EQ(finding.retained_bytes, 64'000U * 1024);
  EXPECT_EQ(finding.requests, 4000U);
  EXPECT_EQ(finding.workers, 2U);
  EXPECT_EQ(finding.workers_alike, 1U);
  EXPECT_EQ(result.has_leak(), true);
}

TEST(LeaksAnalysis, AWorkerWithTooFewRequestsHasNoSay) {
  LeakTables survivors;
  add_life(survivors, 1, 1, 1000, 10, 4096, one_each);
  add_life(survivors, 2, 1, 100, 10, 4096, none_left);
  const auto finding = find(survivors).findings.at(0);
  EXPECT_THAT(finding.bytes_per_request, testing::Optional(DoubleNear(4096, 1)));
  EXPECT_EQ(finding.workers, 1U);
}

TEST(LeaksAnalysis, TooFewRequestsAreUnknownAndNoGateIsJudged) {
  LeakTables survivors;
  add_life(survivors, 1, 1, 31, 10, 4096, one_each);
  const auto result = find(survivors);
  EXPECT_EQ(result.findings.at(0).verdict, LeakVerdict::kUnknown);
  EXPECT_EQ(result.findings.at(0).grounds, LeakGrounds::kTooFewRequests);
  EXPECT_EQ(result.findings.at(0).requests_needed, 200U);
  EXPECT_EQ(result.has_leak(), std::nullopt);
}

// 256 requests of which 250 ran at once: what they keep was made before any of them ended.
TEST(LeaksAnalysis, RequestsThatAllRanAtOnceAreTooFew) {
  LeakTables survivors;
  add_life(survivors, 1, 1, 256, 10, 4096, one_each);
  survivors.spans.back().ended_meanwhile = 256 * 128;
  const auto finding = find(survivors).findings.at(0);
  EXPECT_EQ(finding.verdict, LeakVerdict::kUnknown);
  EXPECT_EQ(finding.requests_needed, 8U * 128);
  EXPECT_TRUE(finding.needed_for_overlap);
  survivors.spans.back().ended_meanwhile = 256 * 32;
  EXPECT_EQ(find(survivors).findings.at(0).verdict, LeakVerdict::kLeak);
}

// An object of 64 or 80 bytes: evenly of one size, unevenly of the other.
TEST(LeaksAnalysis, TheIntervalReachesToWhatUnevenSizesMayAdd) {
  LeakTables survivors;
  add_life(survivors, 1, 1, 640, 20, 80, [](auto first, auto last) { return (last - first + 1) / 2; });
  const auto lives = survivors.lives;
  EXPECT_LT(find(survivors).findings.at(0).bytes_per_request_interval.value().high, 64);
  add_life(survivors, 1, 1, 640, 20, 64,
           [](auto first, auto) { return first < 320 ? 20 + (first / 64) % 2 * 30 : 12 + (first / 64) % 2 * 16; });
  survivors.lives = lives;
  const auto finding = find(survivors).findings.at(0);
  EXPECT_EQ(finding.verdict, LeakVerdict::kLeak);
  EXPECT_NEAR(finding.bytes_per_request.value(), 40, 3);
  EXPECT_GT(finding.bytes_per_request_interval.value().high, 64);
}

// 40 bytes a request of a size that declines are less than what is spoken of; with another size it is more.
TEST(LeaksAnalysis, ADeclineTooSmallToNameDoesNotHideWhatAllSizesKeep) {
  LeakTables survivors;
  add_life(survivors, 1, 1, 640, 0, 64,
           [](auto first, auto last) { return (last - first + 1) * (1000 - first) / 1500; });
  const auto lives = survivors.lives;
  EXPECT_EQ(find(survivors).findings.at(0).verdict, LeakVerdict::kNone);
  add_life(survivors, 1, 1, 640, 0, 80, [](auto first, auto) { return (first / 64) % 2 == 0 ? 20 : 42; });
  survivors.lives = lives;
  const auto finding = find(survivors).findings.at(0);
  EXPECT_EQ(finding.verdict, LeakVerdict::kGrowing);
  EXPECT_GT(finding.bytes_per_request.value_or(0), 48);
}

TEST(LeaksAnalysis, RequestsWithoutSurvivorsKeptAreUnknown) {
  LeakTables survivors;
  add_life(survivors, 1, 1, 1000, 10, 4096, none_left);
  survivors.spans.push_back({1, 2, 700, 0, 1'000'000});
  const auto result = find(survivors);
  ASSERT_EQ(result.findings.size(), 2U);
  EXPECT_EQ(result.findings[1].verdict, LeakVerdict::kUnknown);
  EXPECT_EQ(result.findings[1].grounds, LeakGrounds::kNoSurvivorsKept);
  EXPECT_EQ(result.findings[1].requests, 700U);
  EXPECT_EQ(result.findings[1].retained_bytes, std::nullopt);
}

TEST(LeaksAnalysis, ARecordingWithoutCohortsHasNoFindings) {
  LeakTables survivors;
  survivors.spans.push_back({1, 2, 700, 0, 1'000'000});
  EXPECT_TRUE(find(survivors).findings.empty());
  EXPECT_EQ(find(survivors).has_leak(), std::nullopt);
}

TEST(LeaksAnalysis, ReckonsTheRequestsAndTheTimeToTheLimit) {
  LeakTables survivors;
  add_life(survivors, 1, 1, 1001, 10, 64 * kLeakKiB, one_each);
  add_life(survivors, 1, 2, 1001, 10, 64 * kLeakKiB, one_each);
  LeaksOptions options;
  options.memory_limit_bytes = (200 + 64) * 1024U * 1024;  // both workers hold 100 MiB
  const auto result = find(survivors, options);
  EXPECT_EQ(result.rss_bytes, 200U * 1024 * 1024);
  EXPECT_THAT(result.findings.at(0).requests_to_limit, testing::Optional(1024U));
  EXPECT_THAT(result.findings.at(0).seconds_to_limit, testing::Optional(DoubleNear(10.24, 0.01)));  // 100 a second
  EXPECT_THAT(result.seconds_to_limit, testing::Optional(DoubleNear(5.12, 0.01)));                  // two leaks
  options.memory_limit_bytes = 1;
  EXPECT_EQ(find(survivors, options).findings.at(0).requests_to_limit, 0U);
}

TEST(LeaksAnalysis, KnowsNoRequestsToAnUnknownLimit) {
  LeakTables survivors;
  add_life(survivors, 1, 1, 1000, 10, 4096, one_each);
  EXPECT_EQ(find(survivors).findings.at(0).requests_to_limit, std::nullopt);
  EXPECT_EQ(find(survivors).findings.at(0).seconds_to_limit, std::nullopt);
}

TEST(LeaksAnalysis, JudgesTheChosenOnly) {
  LeakTables survivors;
  add_life(survivors, 1, 1, 1000, 10, 4096, one_each);
  add_life(survivors, 2, 2, 1000, 10, 4096, one_each);
  LeaksOptions options;
  options.methods = {"post"};
  EXPECT_EQ(find(survivors, options).findings.size(), 1U);
  EXPECT_EQ(find(survivors, options).findings.at(0).method, "POST");
  options = {};
  options.workers = {1};
  EXPECT_EQ(find(survivors, options).findings.size(), 1U);
  options.workers = {9};
  EXPECT_THROW(find(survivors, options), std::invalid_argument);
}

TEST(LeaksAnalysis, NamesTheSmallestLeakThatItWouldHaveSeen) {
  LeakTables survivors;
  add_life(survivors, 1, 1, 5000, 10, 4096, none_left);
  EXPECT_EQ(find(survivors).findings.at(0).verdict, LeakVerdict::kNone);
  EXPECT_EQ(find(survivors).findings.at(0).smallest_leak_bytes, 16U);
  EXPECT_EQ(find(survivors).smallest_leak_bytes, 16U);
}

TEST(LeaksAnalysis, WhatEveryFrameworkKeepsIsNoGrowthButNamedAsALeakThatWouldNotHaveShown) {
  // Half a block of 32 bytes a request, less and less: 20 KiB in all.
  const auto fewer = [](std::int64_t first, std::int64_t) { return 70 - first / 50; };
  LeakTables survivors;
  add_life(survivors, 1, 1, 2048, 10, 32, fewer);
  const LeakFinding small = find(survivors).findings.at(0);
  EXPECT_EQ(small.verdict, LeakVerdict::kNone);
  LeakTables large;
  add_life(large, 1, 1, 2048, 10, 320, fewer);
  EXPECT_EQ(find(large).findings.at(0).verdict, LeakVerdict::kGrowing);
  EXPECT_GE(small.smallest_leak_bytes, find(large).findings.at(0).bytes_per_request.value() / 10);
}

TEST(LeaksAnalysis, WhatWasLostIsSummedOverTheChosenWorkers) {
  RecordingTables tables = tables_of_two_workers();
  tables.workers[0].lost_samples = 3;
  tables.workers[1].lost_samples = 4;
  tables.workers[1].lost_survivor_bytes = 100;
  EXPECT_EQ(find_leaks(tables, {}, {}).lost_samples, 7U);
  LeaksOptions second;
  second.workers = {2};
  EXPECT_EQ(find_leaks(tables, {}, second).lost_samples, 4U);
  EXPECT_EQ(find_leaks(tables, {}, second).lost_survivor_bytes, 100U);
}

TEST(LeaksAnalysis, AWarmUpLeavesNothingSinceItsLastRun) {
  LeakTables survivors;
  add_life(survivors, 1, 1, 5000, 10, 1024 * kLeakKiB,
           [](std::int64_t first, std::int64_t) { return std::int64_t{first == 1}; });
  EXPECT_EQ(find(survivors).findings.at(0).verdict, LeakVerdict::kWarmup);
  EXPECT_EQ(find(survivors).findings.at(0).since_request, 513U);
}

TEST(LeaksAnalysis, ACacheEvictsSinceItWasFull) {
  LeakTables survivors;
  add_life(survivors, 1, 1, 5000, 2000, 2048, one_each_after(3000));
  const auto finding = find(survivors).findings.at(0);
  EXPECT_EQ(finding.verdict, LeakVerdict::kCache);
  EXPECT_EQ(finding.since_request, 2001U);
  EXPECT_EQ(finding.bytes_per_request, std::nullopt);
}

TEST(LeaksAnalysis, RowsOfAKilledWorkerAreJudgedTogether) {
  LeakTables survivors;
  add_life(survivors, 1, 1, 1000, 10, 4096, one_each, false);
  EXPECT_EQ(find(survivors).findings.at(0).verdict, LeakVerdict::kLeak);
}

TEST(LeaksAnalysis, LeaksOfOneSmallSizeNameEachOther) {
  LeakTables survivors;
  add_life(survivors, 1, 1, 1000, 10, 64, one_each);
  add_life(survivors, 1, 2, 2000, 10, 64, one_each);
  const auto both = find(survivors).findings;
  ASSERT_EQ(both.at(0).shared_with.size(), 1U);
  EXPECT_EQ(both[0].shared_with[0].method, both.at(1).method);
  ASSERT_EQ(both[1].shared_with.size(), 1U);
  EXPECT_EQ(both[1].shared_with[0].method, both[0].method);
}

TEST(LeaksAnalysis, LeaksOfLargeBlocksOrOfDifferentWorkersStandForThemselves) {
  LeakTables survivors;
  add_life(survivors, 1, 1, 1000, 10, 4096, one_each);
  add_life(survivors, 1, 2, 1000, 10, 4096, one_each);
  EXPECT_TRUE(find(survivors).findings.at(0).shared_with.empty());
  LeakTables apart;
  add_life(apart, 1, 1, 1000, 10, 64, one_each);
  add_life(apart, 2, 2, 1000, 10, 64, one_each);
  EXPECT_TRUE(find(apart).findings.at(0).shared_with.empty());
}

TEST(LeaksAnalysis, ALeakOfASmallSizeNamesWhoKeepsAsMuchOfItUnevenly) {
  LeakTables survivors;
  add_life(survivors, 1, 1, 1024, 10, 64, one_each);
  add_life(survivors, 1, 2, 1024, 10, 64, [](auto first, auto) { return (first / 64) % 2 == 0 ? 30 : 90; });
  const auto findings = find(survivors).findings;
  EXPECT_EQ(findings.at(0).verdict, LeakVerdict::kLeak);
  EXPECT_EQ(findings.at(0).shared_with.size(), 1U);
}

TEST(LeaksAnalysis, ALeakChargedToTwoEndpointsInTurnIsFoundAndNamesBoth) {
  LeakTables survivors;
  add_life(survivors, 1, 1, 2048, 10, 64, [](auto first, auto) { return 256 - first / 20; });
  add_life(survivors, 1, 2, 2048, 10, 64, [](auto first, auto) { return 20 + first / 20; });
  const auto findings = find(survivors).findings;
  for (const LeakFinding& finding : findings) {
    EXPECT_EQ(finding.verdict, finding.method == "POST" ? LeakVerdict::kLeak : LeakVerdict::kGrowing);
    EXPECT_EQ(finding.shared_with.size(), 1U) << finding.method;
  }
}

TEST(LeaksAnalysis, HostileRowsAreNoHarm) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  LeakTables survivors;
  recording::EndpointLifeRow life;
  life.worker = 1;
  life.endpoint = 1;
  life.requests = kMost;
  life.oldest_free_requests = kMost;
  survivors.lives = {life};
  survivors.cohorts = {{1, 1, 0, 0, 0, -5, -7}, {1, 1, kMost, 1, kMost, kMost, kMost}, {1, 1, 1, kMost, 16, kMost, 0}};
  survivors.spans = {{1, 1, kMost, std::numeric_limits<std::int64_t>::min(), kMost}};
  survivors.code.sites = {{1, 1, 99, kMost, 1e308, -1, 1e308, 1e308, kMost}, {1, 1, {}, 0, 0, 0, 1e308, 0, 1}};
  LeaksOptions options;
  options.memory_limit_bytes = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(find(survivors, options).findings.size(), 1U);
}

TEST(SiteGroups, OneLineUnderSeveralCallersIsOneSiteAndItsHeaviestStackSpeaks) {
  LeakTables survivors;
  add_life(survivors, 1, 1, 1000, 10, 4096, one_each);
  const auto copy = add_place(survivors, "copy", "/usr/lib/python3.11/copy.py", 92);
  const auto render = add_place(survivors, "render", "/srv/shop/app/report.py", 41);
  const auto views = add_place(survivors, "report", "/srv/shop/app/views.py", 88);
  const auto jobs = add_place(survivors, "nightly", "/srv/shop/app/jobs.py", 7);
  const auto other = add_place(survivors, "render", "/srv/shop/app/report.py", 44);
  add_site(survivors, 1, 1, add_stack(survivors, {copy, render, jobs}), 1000, 4);
  add_site(survivors, 2, 1, add_stack(survivors, {copy, render, views}), 8000, 16);
  add_site(survivors, 1, 1, add_stack(survivors, {other, views}), 1000, 1);
  add_site(survivors, 1, 2, add_stack(survivors, {other, jobs}), 5000, 1);
  const auto sites = find(survivors).findings.at(0).sites;
  ASSERT_EQ(sites.size(), 2U);
  EXPECT_EQ(sites[0].retained_bytes.bytes, 9000U);
  EXPECT_EQ(sites[0].samples, 20U);
  EXPECT_EQ(sites[0].share_ratio, 0.9);
  EXPECT_EQ(sites[0].stack.application_place, 1U);
  EXPECT_EQ(sites[0].stack.places.at(2).function, "report");
  // Garwood's interval for 20: 12.217 to 30.888.
  EXPECT_EQ(sites[0].retained_bytes.low, 5497U);
  EXPECT_EQ(sites[0].retained_bytes.high, 13900U);
  EXPECT_EQ(sites[1].stack.places.at(0).line, 44);
}

TEST(SiteGroups, KnowsWhatIsTheApplications) {
  for (const char* file :
       {"/srv/shop/app/report.py", "app.py", "/data/lib/python/shop.py", "/opt/python3/shop.py", "/srv/bin/serve.py"}) {
    EXPECT_TRUE(is_application_file(file)) << file;
  }
  for (const char* file : {"/usr/lib/python3.11/copy.py", "/venv/lib/python3.11/site-packages/flask/app.py",
                           "/usr/lib/python3/dist-packages/yaml/x.py", "<frozen importlib._bootstrap>", "<string>", "",
                           "/usr/lib64/python3.13t/copy.py", "/src/heapledger/adapters/wsgi.py", "/venv/bin/uvicorn"}) {
    EXPECT_FALSE(is_application_file(file)) << file;
  }
}

}  // namespace
}  // namespace heapledger::analysis
