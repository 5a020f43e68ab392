// What runs beside what: error rates of its intervals over simulated services (docs/lifecycle.md quotes them), and
// recordings whose answer is known by construction.
#include "analysis/interference_analysis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>

#include "analysis/pair_differences.h"
#include "interference_rows.h"

namespace heapledger::analysis {
namespace {

constexpr int kSeries = 40;

struct Tally {
  int known = 0;
  int outside = 0;  // of the interval
  int shown = 0;
  int wrong_services = 0;  // with a difference shown of a pair that has none
};

// Of durations, over all pairs but the one that has an effect.
Tally tally(const SimulatedService& service) {
  Tally tally;
  for (int series = 0; series < kSeries; ++series) {
    const auto rows = simulate(service, static_cast<std::uint64_t>(series) + 1);
    bool wrong = false;
    for (const EndpointPair& pair : interference(simulated_tables(service.endpoints), rows).pairs) {
      const bool has_effect = pair.endpoint.route == "/0" && pair.beside.route == "/1" && service.slow_beside != 1;
      if (!pair.duration || has_effect) continue;
      ++tally.known;
      tally.outside += pair.duration->low > 1 || pair.duration->high < 1 ? 1 : 0;
      tally.shown += pair.duration->shown ? 1 : 0;
      wrong = wrong || pair.duration->shown;
    }
    tally.wrong_services += wrong ? 1 : 0;
  }
  std::cout << "            " << tally.known << " pairs, " << tally.outside << " outside of their interval, "
            << tally.wrong_services << " of " << kSeries << " services with one shown\n";
  return tally;
}

void expect_rare(const Tally& tally) {
  EXPECT_GE(tally.known, 13 * kSeries);
  EXPECT_LE(tally.outside, tally.known * 8 / 100);
  EXPECT_LE(tally.wrong_services, 5);
}

TEST(InterferenceSimulation, ShowsNothingWhereNothingIs) { expect_rare(tally({})); }

TEST(InterferenceSimulation, IsNotFooledByRequestsThatLastLonger) {
  SimulatedService service;
  service.log_deviation = 1.2;  // those meet many more of everything while they run
  expect_rare(tally(service));
}

TEST(InterferenceSimulation, IsNotFooledByDrift) {
  SimulatedService service;
  service.drift = 1;
  expect_rare(tally(service));
}

TEST(InterferenceSimulation, IsNotFooledByFewRequests) {
  SimulatedService service;
  service.requests = 1200;
  const Tally found = tally(service);
  EXPECT_LE(found.outside, found.known * 9 / 100);
  EXPECT_LE(found.wrong_services, 5);
}

TEST(InterferenceSimulation, FindsWhatIsThere) {
  SimulatedService service;
  service.slow_beside = 1.5;
  int covered = 0;
  int shown = 0;
  for (int series = 0; series < kSeries; ++series) {
    const auto rows = simulate(service, static_cast<std::uint64_t>(series) + 1);
    const auto result = interference(simulated_tables(service.endpoints), rows);
    const EndpointPair* pair = find_pair(result, "/0", "/1");
    ASSERT_NE(pair, nullptr);
    ASSERT_TRUE(pair->duration);
    EXPECT_TRUE(pair->level_matched);
    EXPECT_NEAR(pair->duration->beside_seconds / pair->duration->apart_seconds, pair->duration->ratio, 1e-9);
    covered += pair->duration->low <= 1.5 && pair->duration->high >= 1.5 ? 1 : 0;
    shown += pair->duration->shown ? 1 : 0;
  }
  std::cout << "            " << covered << " of " << kSeries << " intervals hold 1.5, shown in " << shown << "\n";
  EXPECT_GE(covered, kSeries * 85 / 100);
  EXPECT_GE(shown, kSeries * 95 / 100);
}

TEST(Interference, ComparesAtAnyLevelWhereNoneIsShared) {
  const auto result = interference(simulated_tables(2), alternating(400));
  const EndpointPair* pair = find_pair(result, "/0", "/1");
  ASSERT_NE(pair, nullptr);
  EXPECT_EQ(pair->requests, 400U);
  EXPECT_EQ(pair->requests_beside, 200U);
  EXPECT_FALSE(pair->level_matched);
  ASSERT_TRUE(pair->duration);
  EXPECT_NEAR(pair->duration->ratio, 2, 1e-9);
  EXPECT_NEAR(pair->duration->apart_seconds, 0.1, 1e-9);
  EXPECT_TRUE(pair->duration->shown);
  ASSERT_TRUE(pair->peak);
  EXPECT_NEAR(pair->peak->bytes, 8000, 1e-6);
  EXPECT_EQ(pair->peak->beside_bytes, 9000U);
  EXPECT_EQ(pair->peak->apart_bytes, 1000U);
  EXPECT_EQ(find_pair(result, "/1", "/0"), nullptr);
  EXPECT_EQ(result.pairs_never_beside, 3U);
}

TEST(Interference, KnowsWhoSharedTheHighestMoments) {
  auto tables = simulated_tables(2);
  tables.end_us = 400'000'000;
  const auto result = interference(tables, alternating(400));
  ASSERT_EQ(result.highest.size(), HighestMoments::kKept);
  for (const SharedMoment& moment : result.highest) {
    EXPECT_EQ(moment.live_bytes, 9000U);
    ASSERT_EQ(moment.by_endpoint.size(), 2U);
    EXPECT_EQ(moment.by_endpoint[0].route, "/1");
    EXPECT_EQ(moment.by_endpoint[0].live_bytes, 8000U);
    EXPECT_EQ(moment.by_endpoint[1].requests, 1U);
  }
  EXPECT_EQ(result.highest[0].at_unix_us, kStartedUnixNs / 1000 + 1'001'000);
  EXPECT_EQ(find_pair(result, "/0", "/1")->highest_together, HighestMoments::kKept);
  EXPECT_EQ(times_together(result.highest, {"GET", "/1", ""}, {"GET", "/1", ""}), 0U);
}

TEST(Interference, SaysHowManyRequestsAreMissing) {
  const auto result = interference(simulated_tables(2), alternating(100));
  const EndpointPair* pair = find_pair(result, "/0", "/1");
  ASSERT_NE(pair, nullptr);
  EXPECT_FALSE(pair->duration);
  EXPECT_FALSE(pair->peak);
  EXPECT_EQ(pair->grounds, PairGrounds::kTooFewRequests);
  EXPECT_EQ(pair->requests_needed, 150U);  // six blocks of 25
}

TEST(Interference, HasNothingToCompareWithWhereTheOtherIsAlwaysThere) {
  std::vector<recording::RequestCurveRow> rows;
  for (const auto& row : alternating(400)) {
    if (row.endpoint == 2 || row.duration_us == 200'000) rows.push_back(row);
  }
  const auto result = interference(simulated_tables(2), rows);
  ASSERT_EQ(result.pairs.size(), 1U);
  EXPECT_EQ(result.pairs[0].grounds, PairGrounds::kAlwaysBeside);
  EXPECT_FALSE(result.pairs[0].requests_needed);
}

TEST(Interference, LooksAtTheChosenBesideAll) {
  InterferenceOptions options;
  options.routes = {"/0"};
  options.since = Moment::parse("100s");
  const auto result = interference(simulated_tables(2), alternating(400), options);
  EXPECT_EQ(result.requests, 300U);
  ASSERT_EQ(result.pairs.size(), 1U);
  EXPECT_EQ(result.pairs[0].beside.route, "/1");
  options.workers = {1, 7};
  EXPECT_THROW(interference(simulated_tables(2), {}, options), std::invalid_argument);
}

TEST(Interference, NeverPutsRequestsOfTwoWorkersBesideEachOther) {
  auto tables = simulated_tables(2);
  tables.workers.push_back(worker_row(2));
  auto rows = alternating(400);
  for (auto& row : rows) row.worker = row.endpoint;
  const auto result = interference(tables, rows);
  EXPECT_TRUE(result.pairs.empty());
  EXPECT_EQ(result.pairs_never_beside, 4U);
  EXPECT_EQ(result.recorded_requests, 600U);
}

TEST(Interference, TakesRequestsWithoutACurveAtTheirMean) {
  auto rows = alternating(400);
  for (auto& row : rows) {
    row.byte_seconds = static_cast<double>(row.peak_bytes) / 3 * static_cast<double>(row.duration_us) / 1e6;
    if (row.endpoint == 2) row.curve.reset();
  }
  const auto result = interference(simulated_tables(2), rows);
  const EndpointPair* pair = find_pair(result, "/0", "/1");
  ASSERT_TRUE(pair != nullptr && pair->peak);
  EXPECT_EQ(pair->peak->apart_bytes, 1000U);
  EXPECT_NEAR(static_cast<double>(pair->peak->beside_bytes), 1000 + 8000.0 / 3, 1);
}

}  // namespace
}  // namespace heapledger::analysis
