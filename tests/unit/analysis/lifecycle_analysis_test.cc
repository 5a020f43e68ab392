// Curves laid over one another, and what became of what escaped: figures known by construction.
#include "analysis/lifecycle_analysis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <stdexcept>

#include "lifecycle_rows.h"

namespace heapledger::analysis {
namespace {

using testing::ElementsAre;

TEST(CurveLevels, AreReadFromTheFirstPartOn) {
  EXPECT_EQ(curve_level(0xF000'0000'0000'0001, 0), 15U);
  EXPECT_EQ(curve_level(0xF000'0000'0000'0001, 1), 0U);
  EXPECT_EQ(curve_level(0xF000'0000'0000'0001, 15), 1U);
  const auto bytes = live_bytes_of(0xF5A0'0000'0000'0000, 1500);
  ASSERT_EQ(bytes.size(), kCurveParts);
  EXPECT_THAT((std::vector(bytes.begin(), bytes.begin() + 4)), ElementsAre(1500U, 500U, 1000U, 0U));
}

TEST(CurveParts, HoldWholePercents) {
  EXPECT_EQ(part_of(0), 0U);
  EXPECT_EQ(part_of(6), 0U);
  EXPECT_EQ(part_of(7), 1U);
  EXPECT_EQ(part_of(99), 15U);
  EXPECT_EQ(part_of(100), 15U);
  EXPECT_EQ(part_of(255), 15U);
}

TEST(LiveCurves, AreTheBandOverRequestsScaledByTheirPeaks) {
  LiveCurves curves;
  for (std::uint64_t peak = 1; peak <= 10; ++peak) curves.add(kFirstHalf, peak * 1500, 0);
  const auto parts = curves.summarize();
  ASSERT_EQ(parts.size(), kCurveParts);
  EXPECT_EQ(parts[0].mean_bytes, 8250U);
  EXPECT_EQ(parts[0].p50_bytes, 7500U);
  EXPECT_EQ(parts[0].p90_bytes, 13500U);
  EXPECT_EQ(parts[7].p90_bytes, 13500U);
  EXPECT_EQ(parts[8].mean_bytes, 0U);
  EXPECT_DOUBLE_EQ(parts[3].from_ratio, 3.0 / 16);
  EXPECT_DOUBLE_EQ(parts[15].until_ratio, 1);
  EXPECT_DOUBLE_EQ(parts[0].peak_ratio, 1);
  EXPECT_DOUBLE_EQ(parts[0].released_ratio, 0);
  EXPECT_DOUBLE_EQ(parts[7].released_ratio, 0);
  EXPECT_DOUBLE_EQ(parts[8].released_ratio, 1);
}

TEST(LiveCurves, CountAsReleasedOnlyWhatWasLiveBefore) {
  LiveCurves curves;
  curves.add(kSecondHalf, 3000, 50);  // nothing is released of a request that has not reached its peak
  curves.add(kFirstHalf, 1000, 0);
  const auto parts = curves.summarize();
  EXPECT_DOUBLE_EQ(parts[7].released_ratio, 0);
  EXPECT_DOUBLE_EQ(parts[8].released_ratio, 0.25);
  EXPECT_DOUBLE_EQ(parts[8].peak_ratio, 0.5);
  ASSERT_TRUE(curves.peak_at_ratio());
  EXPECT_DOUBLE_EQ(curves.peak_at_ratio()->max, 0.5);
}

TEST(LiveCurves, AreNothingWithoutACurve) {
  LiveCurves curves;
  EXPECT_TRUE(curves.summarize().empty());
  EXPECT_FALSE(curves.peak_at_ratio());
}

TEST(LiveCurves, AgreeWithTheBandComputedOnePartAtATime) {
  std::mt19937_64 random(5);
  for (int series = 0; series < 20; ++series) {
    LiveCurves curves;
    std::vector<std::vector<double>> by_part(kCurveParts);
    const std::size_t count = 1 + random() % 40;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t levels = random();
      const std::uint64_t peak = random() % 1'000'000;
      curves.add(levels, peak, static_cast<std::int64_t>(random() % 101));
      for (std::size_t part = 0; part < kCurveParts; ++part) {
        by_part[part].push_back(static_cast<double>(peak) * static_cast<double>((levels >> (60 - 4 * part)) % 16) / 15);
      }
    }
    const auto parts = curves.summarize();
    for (std::size_t part = 0; part < kCurveParts; ++part) {
      std::sort(by_part[part].begin(), by_part[part].end());
      const std::size_t p90 = (count * 90 + 99) / 100 - 1;
      EXPECT_NEAR(static_cast<double>(parts[part].p90_bytes), by_part[part][p90], 0.51);
      EXPECT_LE(parts[part].p50_bytes, parts[part].p90_bytes);
    }
  }
}

TEST(Lifecycle, IsOfTheRouteAndOfTheChosenRequests) {
  auto tables = small_tables();
  LifecycleOptions options;
  options.route = "/orders";
  options.methods = {"get"};
  options.since = Moment::parse("1s");
  const auto result = lifecycle(
      tables, {curve_row(1, 0, 1000), curve_row(1, 2'000'000, 3000), curve_row(2, 2'000'000, 7)}, {}, options);
  ASSERT_EQ(result.endpoints.size(), 1U);
  EXPECT_EQ(result.endpoints[0].endpoint.method, "GET");
  EXPECT_EQ(result.endpoints[0].requests, 1U);
  EXPECT_EQ(result.endpoints[0].peak_bytes.max, 3000U);
  EXPECT_EQ(result.recorded_requests, 3U);
}

TEST(Lifecycle, KnowsRequestsWithoutACurveByTheirOtherFigures) {
  auto row = curve_row(1, 0, 1000);
  row.curve.reset();
  row.peak_percent.reset();
  const auto result = lifecycle(small_tables(), {row});
  ASSERT_EQ(result.endpoints.size(), 1U);
  EXPECT_EQ(result.endpoints[0].requests_without_curve, 1U);
  EXPECT_TRUE(result.endpoints[0].parts.empty());
  EXPECT_FALSE(result.endpoints[0].peak_at_ratio);
  EXPECT_EQ(result.endpoints[0].peak_bytes.max, 1000U);
}

TEST(Lifecycle, SaysWhatWasReleasedWhenTheRequestsEnded) {
  auto row = curve_row(1, 0, 1000);
  row.escaped_bytes = 250;
  const auto result = lifecycle(small_tables(), {row, row});
  EXPECT_DOUBLE_EQ(result.endpoints[0].released_at_end_ratio, 0.75);
}

TEST(Lifecycle, FollowsWhatEscaped) {
  auto tables = small_tables();
  using Kind = recording::OwnerTotalKind;
  tables.owner_totals = {{1, Kind::kTenured, 1, {}, 1, 0, 0, 100},
                         {1, Kind::kRequest, 1, {}, 1, 0, 0, 100},
                         {1, Kind::kOpen, 1, {}, 1, 0, 0, 7},
                         {1, Kind::kTenured, 2, {}, 1, 0, 0, 7}};
  recording::EndpointLifeRow life;
  life.worker = 1;
  life.endpoint = 1;
  life.freed_by_age_bytes = {600, 0, 150, 0, 0, 0, 0, 0, 0, 0, 0, 50};
  const auto result = lifecycle(tables, {curve_row(1, 0, 1000)}, {life, life});
  const auto& survival = result.endpoints[0].survival;
  ASSERT_TRUE(survival);
  EXPECT_EQ(survival->escaped_bytes, 1800U);
  EXPECT_EQ(survival->retained_bytes, 200U);
  ASSERT_EQ(survival->ages.size(), 12U);
  EXPECT_DOUBLE_EQ(*survival->ages[0].until_seconds, 0.01);
  EXPECT_DOUBLE_EQ(*survival->ages[2].until_seconds, 0.16);
  EXPECT_FALSE(survival->ages[11].until_seconds);
  EXPECT_EQ(survival->ages[0].left_bytes, 600U);
  EXPECT_EQ(survival->ages[2].left_bytes, 300U);
  EXPECT_EQ(survival->ages[11].left_bytes, 200U);
  EXPECT_DOUBLE_EQ(survival->ages[0].left_ratio, 1.0 / 3);
}

TEST(Lifecycle, HasThePhasesThatWereSeen) {
  auto tables = small_tables();
  LifecycleOptions options = every_route();
  options.methods = {"GET"};
  options.until = Moment::parse("1s");
  LifecycleAnalysis analysis(tables, options);
  const std::vector<recording::RequestCurveRow> rows = {curve_row(1, 0, 1000)};
  add_all(analysis, tables, rows);
  for (std::int64_t i = 1; i <= 9; ++i) analysis.add(recording::PhaseRow{1, 1, 0, i * 100, i * 10, i * 1000});
  analysis.add(recording::PhaseRow{1, 1, 2'000'000, 1, 1, 1});
  analysis.add(recording::PhaseRow{1, 2, 0, 1, 1, 1});
  analysis.end_phase(recording::RequestPhase::kRead);
  analysis.end_phase(recording::RequestPhase::kDeserialize);
  analysis.add(recording::PhaseRow{1, 1, 0, 7, 8, 9});
  analysis.end_phase(recording::RequestPhase::kHandle);
  const auto result = analysis.finish(spans_of(rows));
  ASSERT_EQ(result.endpoints.size(), 1U);
  const auto& phases = result.endpoints[0].phases;
  ASSERT_EQ(phases.size(), 2U);
  EXPECT_EQ(phases[0].name, "read");
  EXPECT_EQ(phases[0].requests, 9U);
  EXPECT_DOUBLE_EQ(phases[0].duration_seconds.p50, 0.005);
  EXPECT_EQ(phases[0].allocated_bytes.max, 900U);
  EXPECT_EQ(phases[0].peak_bytes.p90, 90U);
  EXPECT_EQ(phases[1].name, "handle");
  EXPECT_EQ(phases[1].requests, 1U);
}

TEST(Lifecycle, NamesTheSlowestOrTheLargestFirstOfEquals) {
  std::vector<recording::RequestCurveRow> rows;
  for (std::int64_t i = 0; i < 10; ++i) {
    rows.push_back(curve_row(1, i, 1000 + i % 5));
    rows.back().duration_us = 100 - i;
  }
  LifecycleOptions options;
  options.route = "*";
  options.largest = 3;
  EXPECT_THAT(named(small_tables(), rows, options), ElementsAre(5, 10, 4));
  options.largest.reset();
  options.slowest = 2;
  EXPECT_THAT(named(small_tables(), rows, options), ElementsAre(1, 2));
  options.slowest = 100;
  EXPECT_EQ(named(small_tables(), rows, options).size(), 10U);
  options.largest = 1;
  EXPECT_THROW(named(small_tables(), rows, options), std::invalid_argument);
}

TEST(Lifecycle, CountsFoldedRequestsThatItCannotShow) {
  auto tables = small_tables();
  recording::SliceRow slice;
  slice.endpoint = 1;
  slice.until_us = 1000;
  slice.requests = 12;
  tables.slices = {slice};
  EXPECT_EQ(lifecycle(tables, {curve_row(1, 0, 1000)}).folded_requests, 12U);
}

}  // namespace
}  // namespace heapledger::analysis
