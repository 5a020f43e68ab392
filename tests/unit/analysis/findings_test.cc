#include "analysis/findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rows_for_tests.h"

namespace heapledger::analysis {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

EndpointCost endpoint_that_keeps(std::uint64_t requests, std::uint64_t retained_bytes,
                                 std::uint64_t escaped_p50_bytes) {
  EndpointCost endpoint;
  endpoint.method = "GET";
  endpoint.route = "/report";
  endpoint.requests = requests;
  endpoint.recorded_requests = requests;
  endpoint.retained_bytes = retained_bytes;
  endpoint.recurring_requests = requests - 1;
  endpoint.recurring_bytes = retained_bytes - retained_bytes / requests;
  endpoint.escaped_bytes.p50 = escaped_p50_bytes;
  return endpoint;
}

TEST(Findings, NominateAnEndpointWhoseEveryRequestLeavesMemoryBehind) {
  const auto findings = find_findings({endpoint_that_keeps(1000, 64'000'000, 64'000)}, nullptr);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].kind, FindingKind::kKeeps);
  EXPECT_EQ(findings[0].bytes, 64'000U);
  EXPECT_EQ(findings[0].total_bytes, 64'000'000U);
}

TEST(Findings, DoNotTakeACacheFilledByOneRequestForALeak) {
  EXPECT_THAT(find_findings({endpoint_that_keeps(1000, 64'000'000, 200)}, nullptr), IsEmpty());
}

TEST(Findings, DoNotTakeMemoryHandedOnFromRequestToRequestForALeak) {
  EXPECT_THAT(find_findings({endpoint_that_keeps(100'000, 64'000, 64'000)}, nullptr), IsEmpty());
}

TEST(Findings, NeedEnoughRequestsForALeak) {
  EXPECT_THAT(find_findings({endpoint_that_keeps(kKeptMinimumRequests - 1, 19'000'000, 1'000'000)}, nullptr),
              IsEmpty());
  EXPECT_THAT(find_findings({endpoint_that_keeps(kKeptMinimumRequests, 20'000'000, 1'000'000)}, nullptr), SizeIs(1));
  EndpointCost spread = endpoint_that_keeps(kKeptMinimumRequests, 20'000'000, 1'000'000);
  spread.recurring_bytes = 10'000'000;
  spread.recurring_requests = kKeptMinimumRecurring;
  EXPECT_THAT(find_findings({spread}, nullptr), SizeIs(1));
  spread.recurring_requests = kKeptMinimumRecurring - 1;
  EXPECT_THAT(find_findings({spread}, nullptr), IsEmpty());
}

TEST(Findings, FindALeakOfBackgroundTasks) {
  EndpointCost endpoint = endpoint_that_keeps(1000, 64'000'000, 1000);
  endpoint.after_response_bytes.p50 = 31'000;
  EXPECT_THAT(find_findings({endpoint}, nullptr), SizeIs(1));
  endpoint.after_response_bytes.p50 = 30'999;
  EXPECT_THAT(find_findings({endpoint}, nullptr), IsEmpty());
}

TEST(Findings, SayWhatEachRequestKeepsBesideTheOneThatMayHaveFilledSomething) {
  EndpointCost endpoint = endpoint_that_keeps(100, 9'900'000 + 5'000'000, 100'000);
  endpoint.recurring_bytes = 9'900'000;
  const auto findings = find_findings({endpoint}, nullptr);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].bytes, 100'000U);
  EXPECT_EQ(findings[0].total_bytes, 14'900'000U);
  endpoint.recurring_bytes = 99 * (kKeptPerRequestBytes - 1);
  EXPECT_THAT(find_findings({endpoint}, nullptr), IsEmpty());
}

TEST(Findings, FindASmallLeakOnceItAddsUp) {
  EXPECT_THAT(find_findings({endpoint_that_keeps(10'000, 640'000, 64)}, nullptr), IsEmpty());
  EXPECT_THAT(find_findings({endpoint_that_keeps(20'000, 1'280'000, 64)}, nullptr), SizeIs(1));
}

TEST(Findings, MarkWhoTakesHalfOfTheByteSecondsUnlessItIsAlone) {
  EndpointCost large = endpoint_that_keeps(1, 0, 0);
  large.cost_ratio = 0.5;
  EndpointCost small = large;
  small.cost_ratio = 0.49;
  const auto findings = find_findings({small, large}, nullptr);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].kind, FindingKind::kCost);
  EXPECT_EQ(findings[0].endpoint, 1U);
  large.cost_ratio = 1;
  EXPECT_THAT(find_findings({large}, nullptr), IsEmpty());
}

TEST(Findings, MarkWhoHeldHalfOfTheHighestPeak) {
  Peak peak;
  peak.live_bytes = 1000;
  peak.by_endpoint = {{"GET", "/report", "", 2, 500}, {"GET", "/other", "", 1, 499}};
  EndpointCost other = endpoint_that_keeps(1, 0, 0);
  other.route = "/other";
  const auto findings = find_findings({endpoint_that_keeps(1, 0, 0), other}, &peak);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].kind, FindingKind::kPeak);
  EXPECT_EQ(findings[0].endpoint, 0U);
  EXPECT_EQ(findings[0].bytes, 500U);
  EXPECT_EQ(findings[0].ratio, 0.5);
}

}  // namespace
}  // namespace heapledger::analysis
