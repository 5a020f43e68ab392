#include "analysis/recurring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "rows_for_tests.h"

namespace heapledger::analysis {
namespace {

using recording::RequestRow;
using testing::IsEmpty;
using testing::SizeIs;

// `escaped_bytes` of each request of endpoint 1, a second apart.
std::vector<RequestRow> requests_that_leave(std::int64_t worker, const std::vector<std::int64_t>& escaped_bytes) {
  std::vector<RequestRow> requests;
  for (const std::int64_t escaped : escaped_bytes) {
    requests.push_back(request_row(1, 10'000, static_cast<std::int64_t>(requests.size()) * 1'000'000));
    requests.back().worker = worker;
    requests.back().escaped_bytes = escaped;
  }
  return requests;
}

TEST(RecurringRetention, LeavesOutOfEachWorkerTheRequestThatMayHaveFilledSomething) {
  using Kind = recording::OwnerTotalKind;
  auto tables = small_tables();
  tables.workers.push_back(worker_row(2));
  tables.owner_totals = {{1, Kind::kTenured, 1, {}, 1, 9000, 0, 5300}, {2, Kind::kRequest, 1, {}, 2, 9000, 0, 900}};
  std::vector<RequestRow> requests = requests_that_leave(1, {5000, 100, 100, 100});
  for (const auto& request : requests_that_leave(2, {150, 700, 150})) requests.push_back(request);
  const auto cost = analyze(tables, requests).endpoints[0];
  EXPECT_EQ(cost.retained_bytes, 6200U);
  EXPECT_EQ(cost.recurring_bytes, 500U);  // 5300 - 5000 and 900 - 700
  EXPECT_EQ(cost.recurring_requests, 5U);

  RequestsOptions late;
  late.since = Moment::parse("1.5s");
  const auto chosen = analyze(tables, requests, late).endpoints[0];
  EXPECT_EQ(chosen.requests, 3U);
  EXPECT_EQ(chosen.recurring_bytes, 500U);
  EXPECT_EQ(chosen.recurring_requests, 5U);
}

TEST(RecurringRetention, LeavesOutNoMoreThanAWorkerRetains) {
  auto tables = small_tables();
  tables.owner_totals = {{1, recording::OwnerTotalKind::kTenured, 1, {}, 1, 9000, 0, 700}};
  const auto cost = analyze(tables, requests_that_leave(1, {100, 5000})).endpoints[0];
  EXPECT_EQ(cost.recurring_bytes, 0U);
  EXPECT_EQ(cost.recurring_requests, 1U);
}

TEST(RecurringRetention, LeavesOutTheLargestOfTheFoldedRequestsToo) {
  auto tables = small_tables();
  tables.owner_totals = {{1, recording::OwnerTotalKind::kTenured, 1, {}, 1, 9000, 0, 6000}};
  recording::SliceRow slice;
  slice.endpoint = 1;
  slice.until_us = 1'000'000;
  for (const auto& request : requests_that_leave(1, {4000, 200, 200})) recording::add_request(slice, request);
  tables.slices = {slice};
  const auto cost = analyze(tables, requests_that_leave(1, {200, 300})).endpoints[0];
  EXPECT_EQ(cost.recurring_bytes, 2000U);
  EXPECT_EQ(cost.recurring_requests, 4U);
}

TEST(RecurringRetention, TakesWhatAFirstRequestFilledForNoLeakAndALeakForOne) {
  auto tables = small_tables();
  const std::vector<std::int64_t> small(99, 5000);
  std::vector<std::int64_t> escaped{4'000'000};
  escaped.insert(escaped.end(), small.begin(), small.end());
  // A cache of 4 MB filled once; what else escaped was freed since.
  tables.owner_totals = {{1, recording::OwnerTotalKind::kTenured, 1, {}, 1, 4'495'000, 0, 4'000'000}};
  EXPECT_THAT(analyze(tables, requests_that_leave(1, escaped)).findings, IsEmpty());
  // The same, and every request keeps its 5,000 bytes.
  tables.owner_totals[0].live_bytes = 4'495'000;
  const auto findings = analyze(tables, requests_that_leave(1, escaped)).findings;
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].kind, FindingKind::kKeeps);
  EXPECT_EQ(findings[0].bytes, 5000U);
  EXPECT_EQ(findings[0].total_bytes, 4'495'000U);
}

TEST(RecurringRetention, JudgesOfARunningWorkerOnlyWhatHadEndedWhenItsBooksWereRead) {
  auto tables = small_tables();
  tables.meta.complete = false;
  tables.meta.ended_unix_ns.reset();
  tables.workers[0].ended_us.reset();
  tables.workers[0].ending = recording::WorkerEnding::kRunning;
  tables.workers[0].books_us = 99'250'000;  // when the hundredth request, begun at 99 s, ended
  // The first hundred kept 5,000 bytes each; of the next three hundred the books do not know yet.
  tables.owner_totals = {{1, recording::OwnerTotalKind::kTenured, 1, {}, 1, 500'000, 0, 500'000}};
  const std::vector<RequestRow> requests = requests_that_leave(1, std::vector<std::int64_t>(400, 5000));
  const auto result = analyze(tables, requests);
  EXPECT_EQ(result.endpoints[0].recurring_requests, 99U);
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].bytes, 5000U);
  EXPECT_EQ(result.accounting.books_at_unix_us, kStartedUnixNs / 1000 + 99'250'000);
  EXPECT_EQ(result.accounting.books_behind_seconds, 300);

  tables.workers[0].books_us = 399'250'000;
  EXPECT_EQ(analyze(tables, requests).accounting.books_behind_seconds, std::nullopt);
  tables.workers[0].ended_us = 500'000'000;
  tables.workers[0].books_us = 99'250'000;
  const auto ended = analyze(tables, requests);
  EXPECT_EQ(ended.endpoints[0].recurring_requests, 399U);
  EXPECT_EQ(ended.accounting.books_at_unix_us, std::nullopt);
  EXPECT_EQ(ended.accounting.books_behind_seconds, std::nullopt);
}

}  // namespace
}  // namespace heapledger::analysis
