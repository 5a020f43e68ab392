// Budget, costs, limits, exhaustion and strategies of services whose figures are known.
#include "analysis/limits_analysis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/math/distributions/poisson.hpp>
#include <cmath>

#include "analysis/limit_search.h"
#include "limit_rows.h"

namespace heapledger::analysis {
namespace {

using testing::HasSubstr;

TEST(MemoryBudget, IsTheLimitLessTheIdleServiceOverTheOverhead) {
  const LimitsResult result = shop_service().find(512);
  EXPECT_EQ(result.budget.source, "--memory-limit");
  EXPECT_EQ(result.budget.baseline_bytes, static_cast<std::uint64_t>(50 * kLimitMiB));
  EXPECT_TRUE(result.budget.overhead_measured);
  EXPECT_DOUBLE_EQ(*result.budget.overhead_ratio, 1.8);
  EXPECT_EQ(result.budget.headroom_bytes, static_cast<std::uint64_t>(std::round(462 * kLimitMiB / 1.8)));
}

TEST(MemoryBudget, TakesTheRecordedLimitAndCountsSharedPagesOnce) {
  LimitsService service = shop_service();
  service.tables.meta.memory_limit_bytes = 300 << 20;
  service.tables.meta.memory_limit_source = "cgroup v2";
  recording::SegmentReadingRow reading;
  reading.worker = 1;
  reading.rss_bytes = 60 << 20;
  reading.pss_bytes = 50 << 20;
  service.samples.segments = {reading};
  const LimitsResult result = service.find(0);
  EXPECT_EQ(result.budget.source, "cgroup v2");
  EXPECT_EQ(result.budget.limit_bytes, 300U << 20);
  EXPECT_EQ(result.budget.baseline_bytes, 40U << 20);
}

TEST(MemoryBudget, OfALittleLoadMeasuresNoOverhead) {
  LimitsService service = shop_service();
  service.tables.peaks[0].live_bytes = 25 << 20;
  service.samples.timeline[2].live_bytes = 25 << 20;
  const LimitsResult result = service.find(512);
  EXPECT_FALSE(result.budget.overhead_measured);
  EXPECT_EQ(result.budget.baseline_bytes, static_cast<std::uint64_t>(122 * kLimitMiB));
}

TEST(Limits, SayWhatIsMissingAndGiveNoNumber) {
  EXPECT_EQ(LimitsService().find(512).missing, LimitsMissing::kNoTraffic);
  LimitsService few;
  few.add(1, 199, 0.1, [](double) { return 1e6; });
  EXPECT_EQ(few.find(512).missing, LimitsMissing::kTooFewRequests);
  EXPECT_EQ(few.find(512).requests_needed, 200U);
  EXPECT_EQ(shop_service().find(0).missing, LimitsMissing::kNoLimit);
  const LimitsResult below = shop_service().find(49);
  EXPECT_EQ(below.missing, LimitsMissing::kBelowBaseline);
  EXPECT_FALSE(below.budget.headroom_bytes);
  EXPECT_FALSE(below.limits.concurrency);
  EXPECT_TRUE(below.exhaustion.empty());
  EXPECT_FALSE(below.over_risk());
  LimitsService unsampled = shop_service();
  unsampled.tables.workers[0].rss_bytes.reset();
  EXPECT_EQ(unsampled.find(512).missing, LimitsMissing::kNoMemorySample);
  LimitsService at_once = shop_service();
  for (auto& row : at_once.rows) row.started_us = 5;
  for (auto& span : at_once.samples.spans) span.first_started_us = span.last_started_us = 5;
  EXPECT_EQ(at_once.find(512).missing, LimitsMissing::kNoTime);
}

TEST(Limits, CostsAreOfTheRows) {
  const LimitsResult result = shop_service().find(512);
  ASSERT_EQ(result.costs.size(), 2U);
  const RequestTypeCost& dear = result.costs[0];
  EXPECT_EQ(dear.endpoint.method, "POST");
  EXPECT_EQ(dear.requests, 600U);
  EXPECT_NEAR(dear.byte_seconds, 2e7, 5e5);
  EXPECT_NEAR(dear.requests_per_second, 600 / 3600.0, 1e-6);
  ASSERT_TRUE(dear.p99_peak_bytes);
  EXPECT_NEAR(static_cast<double>(*dear.p99_peak_bytes), 2.98e7, 2e5);
  ASSERT_TRUE(dear.tail_index);
  EXPECT_LT(*dear.tail_index, 0);
  EXPECT_GE(*dear.effective_bytes, 20'000'000U);
  EXPECT_EQ(result.costs[1].tokens, 1U);
  EXPECT_GE(*dear.tokens, 100U);
}

// Equal requests: the number in flight is Poisson, so that everything is known in closed form.
TEST(Limits, OfEqualRequestsAreThoseOfThePoissonLaw) {
  LimitsService service;
  service.add(1, 36'000, 0.1, [](double) { return 1e7; });  // one in flight on average
  const LimitsResult result = service.find(50 + 95 * 1.8 / kLimitMiB * 1e6);
  EXPECT_NEAR(static_cast<double>(*result.budget.headroom_bytes), 9.5e7, 10);
  const boost::math::poisson number(1.0);
  ASSERT_FALSE(result.exhaustion.empty());
  const ExhaustionScenario& today = result.exhaustion[0];
  EXPECT_NEAR(*today.exceedances_per_day / (10 * 86'400 * pdf(number, 9)), 1, 0.02);
  EXPECT_NEAR(*today.time_over_ratio / cdf(complement(number, 9)), 1, 0.02);
  EXPECT_LE(today.exceedances_per_day_interval->low, *today.exceedances_per_day);
  EXPECT_GE(today.exceedances_per_day_interval->high, *today.exceedances_per_day);
  EXPECT_EQ(result.limits.concurrency, 9U);
  EXPECT_EQ(result.burst[0].from_idle, 9U);
  EXPECT_EQ(result.over_risk(), true);
  ASSERT_TRUE(result.limits.endpoints[0].requests_per_second);
  const double safe = *result.limits.endpoints[0].requests_per_second;
  const boost::math::poisson slower(safe * 0.1);
  EXPECT_NEAR(safe * 86'400 * cdf(complement(slower, 8)) * 30, 1, 0.05);
}

TEST(Limits, ScenariosGrowWithTheLoad) {
  const LimitsResult result = shop_service().find(200);
  ASSERT_EQ(result.exhaustion.size(), 5U);
  EXPECT_EQ(result.exhaustion[0].scenario, "observed");
  EXPECT_EQ(result.exhaustion[3].scenario, "x10 POST /orders");
  EXPECT_LT(*result.exhaustion[0].exceedances_per_day, *result.exhaustion[1].exceedances_per_day);
  EXPECT_LT(*result.exhaustion[1].exceedances_per_day, *result.exhaustion[2].exceedances_per_day);
  EXPECT_LT(*result.exhaustion[0].exceedances_per_day, *result.exhaustion[4].exceedances_per_day);
}

TEST(Limits, RatesTogetherStayWithinTheRisk) {
  for (const double limit : {150.0, 512.0}) {
    const LimitsService service = shop_service();
    const LimitsResult result = service.find(limit);
    Traffic traffic(service.tables, service.samples.spans, Selection(RequestsOptions{}, service.tables));
    for (const auto& row : service.rows) traffic.add(row);
    std::vector<LoadClass> load = load_of(traffic);
    for (std::size_t i = 0; i < load.size(); ++i) {
      const auto& id = traffic.classes()[i].endpoint->method;
      for (const auto& row : result.limits.endpoints) {
        if (row.endpoint.method == id) load[i].per_second = *row.requests_per_second;
      }
    }
    const auto headroom = static_cast<double>(*result.budget.headroom_bytes);
    EXPECT_LE(exhaust(load, headroom).at_risk_per_day, 1.05 / 30) << limit;
  }
}

TEST(Limits, BodyAndWorkersAndStrategies) {
  const LimitsResult result = shop_service().find(512);
  const EndpointLimit& dear = result.limits.endpoints[0];
  ASSERT_TRUE(dear.concurrency);
  EXPECT_FALSE(dear.max_body_bytes.has_value() && *dear.max_body_bytes > 4 * *dear.largest_body_bytes);
  EXPECT_GE(*result.limits.worker_count, 1U);
  EXPECT_LE(*result.limits.worker_count, 9U);
  ASSERT_EQ(result.strategies.size(), 10U);
  EXPECT_EQ(std::count_if(result.strategies.begin(), result.strategies.end(),
                          [](const StrategyOutcome& one) { return one.recommended; }),
            1);
  for (const StrategyOutcome& outcome : result.strategies) {
    if (outcome.strategy == LimitStrategy::kNone) {
      EXPECT_EQ(outcome.rejected, 0U);
    }
    if (outcome.strategy == LimitStrategy::kConcurrency) {
      EXPECT_EQ(outcome.exceedances, 0U);
    }
  }
}

TEST(Limits, AnEndlessTailHasNoSafeRate) {
  LimitsService service;
  service.add(1, 20'000, 0.1, [](double u) { return 1e5 * std::pow(1 - u, -1.4); });
  const LimitsResult result = service.find(100'000);
  EXPECT_GE(*result.costs[0].tail_index, 1);
  EXPECT_FALSE(result.costs[0].effective_bytes);
  EXPECT_FALSE(result.limits.endpoints[0].requests_per_second);
  EXPECT_THAT(result.costs[0].reason, HasSubstr("limit the body"));
}

TEST(Limits, WhatWouldTakeMuchLargerRequestsIsBeyondTheData) {
  LimitsService service;
  service.add(1, 20'000, 0.1, [](double u) { return 1e4 * std::pow(1 - u, -0.6); });
  const LimitsResult result = service.find(350);
  EXPECT_EQ(result.exhaustion[0].method, ExhaustionMethod::kBeyondTheData);
  EXPECT_FALSE(result.exhaustion[0].exceedances_per_day);
  // So far beyond that it does not matter, whatever the tail is.
  const LimitsResult far = service.find(100'000);
  EXPECT_EQ(far.exhaustion[0].method, ExhaustionMethod::kInversion);
  EXPECT_LT(far.exhaustion[0].exceedances_per_day_interval->high, 1e-3);
}

TEST(Limits, ALeakFillsWhatIsSpare) {
  LimitsService service = shop_service();
  LeakFinding leak;
  leak.verdict = LeakVerdict::kLeak;
  leak.bytes_per_request = 1030;
  leak.requests = 20'000;
  service.leaks.findings = {leak};
  const LimitsResult result = service.find(512);
  EXPECT_NEAR(*result.limits.leak_bytes_per_request, 1000, 1e-6);
  ASSERT_TRUE(result.limits.max_requests);
  const double spare = 1000.0 * static_cast<double>(*result.limits.max_requests);
  EXPECT_GT(spare, 0);
  EXPECT_LT(spare, static_cast<double>(*result.budget.headroom_bytes));
  EXPECT_EQ(result.exhaustion.back().scenario, "leak until restart");
  EXPECT_NEAR(*result.exhaustion.back().seconds_to_exhaustion, spare / (1000 * 20'600 / 3600.0), 2);
}

TEST(Limits, FoldedRowsAndRowsWithoutCurveAreCounted) {
  LimitsService service = shop_service();
  for (std::size_t i = 0; i < 10; ++i) service.rows[i].curve.reset();
  recording::SliceRow slice;
  slice.endpoint = 1;
  slice.until_us = 1'000'000;
  slice.requests = 50;
  slice.peak_bytes = {50e6, 2e6, {{161, 50}}};
  slice.byte_seconds = {5e6, 2e5, {}};
  slice.duration_us = {5e6, 1e5, {}};
  service.tables.slices = {slice};
  const LimitsResult result = service.find(512);
  EXPECT_EQ(result.requests_without_curve, 10U);
  EXPECT_EQ(result.folded_requests, 50U);
  EXPECT_EQ(result.requests, 20'650U);
}

TEST(Limits, TheSameRowsGiveTheSameResult) {
  const LimitsService service = shop_service();
  EXPECT_EQ(service.find(200).exhaustion[1].exceedances_per_day_interval->high,
            service.find(200).exhaustion[1].exceedances_per_day_interval->high);
}

// Ten bytes each: a million at once take a tenth of the headroom.
TEST(Limits, WhatKeepsWithinTheRiskHoweverManyComeHasNoLimit) {
  LimitsService service;
  service.add(1, 3'600, 0.1, [](double) { return 10; });
  const LimitsResult result = service.find(512);
  EXPECT_TRUE(result.limits.any_concurrency);
  EXPECT_FALSE(result.limits.concurrency);
  EXPECT_THAT(result.limits.concurrency_reason, HasSubstr("no limit of requests at once"));
  const EndpointLimit& limit = result.limits.endpoints.at(0);
  EXPECT_TRUE(limit.any_concurrency);
  EXPECT_FALSE(limit.concurrency);
  EXPECT_THAT(limit.reason, HasSubstr("no limit of requests at once"));
  LimitsService nothing;
  nothing.add(1, 3'600, 0.1, [](double) { return 0; });
  EXPECT_TRUE(nothing.find(512).limits.any_concurrency);
  EXPECT_EQ(nothing.find(512).burst.at(0).from_idle, kMostConcurrency);
  LimitsService large;
  large.add(1, 3'600, 0.1, [](double) { return 1e7; });
  const LimitsResult bounded = large.find(512);
  EXPECT_FALSE(bounded.limits.any_concurrency);
  EXPECT_TRUE(bounded.limits.concurrency);
  EXPECT_EQ(bounded.limits.concurrency_reason, "");
}

TEST(Limits, SayWhichWorkersAFigureIsFor) {
  const LimitsResult result = shop_service().find(512);
  ASSERT_TRUE(result.limits.worker_count);
  const double fit = static_cast<double>(*result.limits.worker_count);
  ASSERT_TRUE(result.limits.worker_headroom_bytes);
  EXPECT_NEAR(static_cast<double>(*result.limits.worker_headroom_bytes), (512 - 50 * fit) * kLimitMiB / 1.8, 1);
  EXPECT_GT(fit, 1);
  EXPECT_LT(result.limits.worker_concurrency.value_or(0), *result.limits.concurrency);
}

TEST(Limits, BeyondTheDataSaysWhatWasSeenAndWhatItWouldTake) {
  LimitsService service;
  service.add(1, 4'000, 0.001, [](double u) { return 1e6 * std::pow(1 - 0.999 * u, -0.4); });
  const LimitsResult result = service.find(2000);
  const auto beyond = std::find_if(result.exhaustion.begin(), result.exhaustion.end(),
                                   [](const auto& row) { return row.method == ExhaustionMethod::kBeyondTheData; });
  ASSERT_NE(beyond, result.exhaustion.end());
  double largest = 0;
  for (const auto& row : service.rows) largest = std::max(largest, static_cast<double>(row.peak_bytes));
  EXPECT_EQ(beyond->largest_peak_bytes, static_cast<std::uint64_t>(largest));
  EXPECT_TRUE(beyond->recorded_per_day);
  EXPECT_LT(*beyond->needed_peak_bytes, *result.budget.headroom_bytes);
  EXPECT_GT(*beyond->needed_peak_bytes, *beyond->largest_peak_bytes);
}

}  // namespace
}  // namespace heapledger::analysis
