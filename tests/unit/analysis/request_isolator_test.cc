#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "ledger/layout.h"
#include "rows_for_tests.h"

namespace heapledger::analysis {
namespace {

using recording::RequestRow;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> names_of(const RequestsResult& result) {
  std::vector<std::string> names;
  for (const auto& endpoint : result.endpoints) names.push_back(endpoint.method + " " + endpoint.route);
  return names;
}

TEST(RequestIsolator, SumsUpEveryFigureOfAnEndpoint) {
  std::vector<RequestRow> requests;
  for (std::int64_t i = 1; i <= 100; ++i) {
    RequestRow request = request_row(1, i * 1000);
    request.allocations = i;
    request.isolated_bytes = i * 900;
    request.escaped_bytes = i * 100;
    request.adopted_bytes = i * 10;
    request.after_response_bytes = i * 7000;
    request.byte_seconds = static_cast<double>(i) / 4;
    request.duration_us = i * 1000;
    request.in_flight_at_start = i % 2 == 0 ? 3 : 1;
    request.in_flight_peak = i == 50 ? 9 : 3;
    requests.push_back(request);
  }
  const auto result = analyze(small_tables(), requests);
  ASSERT_THAT(result.endpoints, SizeIs(1));
  const EndpointCost& endpoint = result.endpoints[0];
  EXPECT_EQ(endpoint.requests, 100U);
  EXPECT_EQ(endpoint.allocated_bytes.mean, 50'500);
  EXPECT_EQ(endpoint.allocated_bytes.p50, 50'000U);
  EXPECT_EQ(endpoint.allocated_bytes.p99, 99'000U);
  EXPECT_EQ(endpoint.allocated_bytes.max, 100'000U);
  EXPECT_EQ(endpoint.allocations.p90, 90U);
  EXPECT_EQ(endpoint.peak_bytes.p95, 47'500U);
  EXPECT_EQ(endpoint.isolated_bytes.p50, 45'000U);
  EXPECT_EQ(endpoint.escaped_bytes.p50, 5'000U);
  EXPECT_EQ(endpoint.adopted_bytes.max, 1'000U);
  EXPECT_EQ(endpoint.after_response_bytes.p90, 630'000U);
  EXPECT_EQ(endpoint.byte_seconds.mean, 12.625);
  EXPECT_EQ(endpoint.total_byte_seconds, 1262.5);
  EXPECT_EQ(endpoint.duration_seconds.p50, 0.05);
  EXPECT_EQ(endpoint.concurrency.mean, 2);
  EXPECT_EQ(endpoint.concurrency.alongside, 1);
  EXPECT_EQ(endpoint.concurrency.max, 9U);
  EXPECT_EQ(result.requests, 100U);
}

TEST(RequestIsolator, CountsAsErrorsServerErrorsAndWhatRaised) {
  RequestRow server_error = request_row(1, 1);
  server_error.status = 500;
  RequestRow client_error = request_row(1, 1);
  client_error.status = 499;
  RequestRow raised = request_row(1, 1);
  raised.flags = ledger::kRequestRaised;
  RequestRow streamed = request_row(1, 1);
  streamed.flags = ledger::kRequestStreamedOut;
  EXPECT_EQ(analyze(small_tables(), {server_error, client_error, raised, streamed}).endpoints[0].errors, 2U);
}

TEST(RequestIsolator, HasNativeFiguresOnlyWhereTheyWereMeasured) {
  auto tables = small_tables();
  RequestRow request = request_row(1, 4000);
  EXPECT_FALSE(analyze(tables, {request}).endpoints[0].native_allocated_bytes.has_value());
  tables.meta.native = true;
  request.native_allocated_bytes = 1000;
  request.native_peak_bytes = 600;
  const auto result = analyze(tables, {request});
  EXPECT_EQ(result.endpoints[0].native_allocated_bytes->p50, 1000U);
  EXPECT_EQ(result.endpoints[0].native_peak_bytes->max, 600U);
}

TEST(RequestIsolator, GivesEachEndpointItsShareOfTheByteSeconds) {
  const auto result = analyze(small_tables(), {request_row(1, 1000), request_row(2, 3000)});
  EXPECT_THAT(names_of(result), ElementsAre("POST /orders", "GET /orders"));
  EXPECT_EQ(result.endpoints[0].cost_ratio, 0.75);
  EXPECT_EQ(result.endpoints[1].cost_ratio, 0.25);
}

TEST(RequestIsolator, KeepsTheShareOfTheWholeWhenOneEndpointIsChosen) {
  RequestsOptions options;
  options.methods = {"get"};
  const auto result = analyze(small_tables(), {request_row(1, 1000), request_row(2, 3000)}, options);
  EXPECT_THAT(names_of(result), ElementsAre("GET /orders"));
  EXPECT_EQ(result.endpoints[0].cost_ratio, 0.25);
  EXPECT_EQ(result.requests, 1U);
  EXPECT_EQ(result.recorded_requests, 2U);
}

TEST(RequestIsolator, RetainsWhatEndedAndTenuredOwnersStillHold) {
  using Kind = recording::OwnerTotalKind;
  auto tables = small_tables();
  tables.workers.push_back(worker_row(2));
  tables.owner_totals = {
      {1, Kind::kRequest, 1, {}, 3, 900, 500, 400},       {1, Kind::kTenured, 1, {}, 1, 100, 40, 60},
      {1, Kind::kOpen, 1, {}, 1, 9999, 0, 9999},          {1, Kind::kService, {}, {}, 1, 777, 0, 777},
      {1, Kind::kImport, {}, "json", 1, 50, 0, 50},       {2, Kind::kTenured, 1, {}, 1, 10'000, 0, 7000},
      {1, Kind::kRetired, {}, {}, 9, 100'000, 100'000, 0}};
  const std::vector<RequestRow> requests{request_row(1, 100), request_row(2, 100)};
  const auto result = analyze(tables, requests);
  EXPECT_EQ(result.endpoints[0].retained_bytes, 7460U);
  EXPECT_EQ(result.endpoints[1].retained_bytes, 0U);
  RequestsOptions first_worker;
  first_worker.workers = {1};
  EXPECT_EQ(analyze(tables, requests, first_worker).endpoints[0].retained_bytes, 460U);
}

TEST(RequestIsolator, SaysHowARecordingStands) {
  auto tables = small_tables();
  EXPECT_EQ(analyze(tables, {}).recording.state, RecordingState::kClosed);
  tables.meta.complete = false;
  EXPECT_EQ(analyze(tables, {}).recording.state, RecordingState::kCutShort);
  tables.meta.ended_unix_ns.reset();
  EXPECT_EQ(analyze(tables, {}).recording.state, RecordingState::kNotClosed);
  tables.meta.writer_runs = true;
  EXPECT_EQ(analyze(tables, {}).recording.state, RecordingState::kBeingWritten);
  tables.meta.writer_runs = false;
  EXPECT_EQ(analyze(tables, {}).recording.state, RecordingState::kCollectorKilled);
}

TEST(RequestIsolator, ChoosesByTimeOfStartSinceIncludedUntilExcluded) {
  const std::vector<RequestRow> requests{request_row(1, 10, 9'999'999), request_row(1, 20, 10'000'000),
                                         request_row(1, 30, 19'999'999), request_row(1, 40, 20'000'000)};
  RequestsOptions options;
  options.since = Moment::parse("10");
  options.until = Moment::parse("-40s");  // 60 s long
  const auto result = analyze(small_tables(), requests, options);
  EXPECT_EQ(result.endpoints[0].requests, 2U);
  EXPECT_EQ(result.endpoints[0].allocated_bytes.mean, 25);
  EXPECT_EQ(result.endpoints[0].recorded_requests, 4U);
}

TEST(RequestIsolator, ChoosesByCalendarTime) {
  const std::vector<RequestRow> requests{request_row(1, 10, 0), request_row(1, 20, 10'000'000)};
  RequestsOptions options;
  options.since = Moment::parse("2026-11-18T12:06:45.5+01:00");
  EXPECT_EQ(analyze(small_tables(), requests, options).endpoints[0].allocated_bytes.max, 20U);
  options.since = Moment::parse("2026-11-18 11:06:50.000001");
  EXPECT_THAT(analyze(small_tables(), requests, options).endpoints, IsEmpty());
}

TEST(RequestIsolator, LeavesTheWarmUpOut) {
  RequestsOptions options;
  options.warmup_us = parse_duration_us("5s");
  const auto result = analyze(small_tables(), {request_row(1, 10, 4'999'999), request_row(1, 20, 5'000'000)}, options);
  EXPECT_EQ(result.endpoints[0].requests, 1U);
  EXPECT_EQ(result.endpoints[0].allocated_bytes.max, 20U);
}

TEST(RequestIsolator, ChoosesWorkersAndRefusesOnesThatAreNotThere) {
  auto tables = small_tables();
  tables.workers.push_back(worker_row(2));
  RequestRow other = request_row(1, 500);
  other.worker = 2;
  RequestsOptions options;
  options.workers = {2};
  const auto result = analyze(tables, {request_row(1, 100), other}, options);
  EXPECT_EQ(result.endpoints[0].allocated_bytes.mean, 500);
  EXPECT_EQ(result.accounting.allocated_bytes, 10'000U);
  EXPECT_EQ(result.recording.worker_count, 2U);
  ASSERT_THAT(result.workers, SizeIs(1));
  EXPECT_EQ(result.workers[0].requests, 1U);
  options.workers = {3};
  EXPECT_THROW(analyze(tables, {}, options), std::invalid_argument);
}

TEST(RequestIsolator, CountsTheWorkersThatHadARequestElseThoseWithAServerElseAll) {
  auto tables = small_tables();
  tables.workers = {worker_row(1), worker_row(2), worker_row(3)};
  EXPECT_EQ(analyze(tables, {}).recording.worker_count, 3U);
  tables.workers[0].server = "";  // a master
  EXPECT_EQ(analyze(tables, {}).recording.worker_count, 2U);
  EXPECT_EQ(analyze(tables, {request_row(1, 1)}).recording.worker_count, 1U);
  tables.in_flight = {{3, 1, 7, 100, 1, 1, 1}};
  EXPECT_EQ(analyze(tables, {request_row(1, 1)}).recording.worker_count, 2U);
  const auto listed = analyze(tables, {request_row(1, 1)}).workers;
  ASSERT_THAT(listed, SizeIs(3));  // each is listed
  EXPECT_TRUE(listed[0].serves);
  EXPECT_FALSE(listed[1].serves);
  EXPECT_TRUE(listed[2].serves);
  tables.in_flight.clear();
  for (auto& worker : tables.workers) worker.server = "";
  EXPECT_EQ(analyze(tables, {}).recording.worker_count, 3U);
}

TEST(RequestIsolator, CountsTheWorkersWhoseRequestsWereAllFolded) {
  using Kind = recording::OwnerTotalKind;
  auto tables = small_tables();
  tables.workers = {worker_row(1), worker_row(2), worker_row(3)};
  tables.owner_totals = {{2, Kind::kRetired, {}, {}, 9, 100, 100, 0},
                         {3, Kind::kService, {}, {}, 1, 100, 0, 100},
                         {3, Kind::kInherited, 1, {}, 1, 100, 0, 100}};
  recording::SliceRow slice;
  slice.endpoint = 1;
  slice.until_us = 30'000'000;
  tables.slices = {slice};
  EXPECT_EQ(analyze(tables, {request_row(1, 1, 40'000'000)}).recording.worker_count, 2U);
}

TEST(RequestIsolator, CountsRequestsThatWereStillOpen) {
  auto tables = small_tables();
  tables.in_flight = {{1, 1, 7, 100, 1, 1, 1}, {1, 2, 8, 100, 1, 1, 1}, {1, std::nullopt, 9, 100, 1, 1, 1}};
  EXPECT_EQ(analyze(tables, {}).in_flight_at_end, 3U);
  RequestsOptions options;
  options.methods = {"POST"};
  EXPECT_EQ(analyze(tables, {}, options).in_flight_at_end, 1U);
}

TEST(RequestIsolator, SaysWhoHeldTheHighestMomentOfEachWorker) {
  auto tables = small_tables();
  tables.workers.push_back(worker_row(2));
  tables.peaks = {{1, 1'000'000, 500, 1, {{1, 5, 100}}},
                  {2, 2'000'000, 900, 3, {{2, 6, 200}, {std::nullopt, 7, 50}, {2, 8, 300}}}};
  const auto result = analyze(tables, {request_row(1, 1)});
  ASSERT_THAT(result.peaks, SizeIs(2));
  const Peak& highest = result.peaks[0];
  EXPECT_EQ(highest.worker, 2);
  EXPECT_EQ(highest.live_bytes, 900U);
  EXPECT_EQ(highest.at_unix_us, kStartedUnixNs / 1000 + 2'000'000);
  EXPECT_EQ(highest.in_flight_requests, 3U);
  ASSERT_THAT(highest.in_flight, SizeIs(3));
  EXPECT_EQ(highest.in_flight[0].live_bytes, 300U);
  EXPECT_EQ(highest.in_flight[2].route, "");
  ASSERT_THAT(highest.by_endpoint, SizeIs(2));
  EXPECT_EQ(highest.by_endpoint[0].requests, 2U);
  EXPECT_EQ(highest.by_endpoint[0].live_bytes, 500U);
  EXPECT_EQ(highest.outside_bytes, 350U);
}

TEST(RequestIsolator, DoesNotSayWhatTheRestHeldWhenSomeRequestsAreNotListed) {
  auto tables = small_tables();
  tables.peaks = {{1, 1'000'000, 500, 65, {{1, 5, 100}}}};
  EXPECT_EQ(analyze(tables, {}).peaks[0].outside_bytes, std::nullopt);
  tables.peaks = {{1, 1'000'000, 50, 1, {{1, 5, 100}}}};
  EXPECT_EQ(analyze(tables, {}).peaks[0].outside_bytes, std::nullopt);
}

TEST(RequestIsolator, LeavesOutPeaksOutsideOfTheChosenTime) {
  auto tables = small_tables();
  tables.peaks = {{1, 1'000'000, 500, 0, {}}};
  RequestsOptions options;
  options.since = Moment::parse("2s");
  const auto result = analyze(tables, {}, options);
  EXPECT_THAT(result.peaks, IsEmpty());
  EXPECT_EQ(result.peak_outside_unix_us, kStartedUnixNs / 1000 + 1'000'000);
}

TEST(RequestIsolator, ShowsNoLowerPeakInThePlaceOfOneOutsideOfTheChosenTime) {
  auto tables = small_tables();
  tables.workers = {worker_row(1), worker_row(2), worker_row(3)};
  tables.peaks = {{1, 1'000'000, 500, 0, {}}, {2, 3'000'000, 499, 0, {}}, {3, 4'000'000, 501, 0, {}}};
  RequestsOptions options;
  options.since = Moment::parse("2s");
  const auto surely = analyze(tables, {}, options);
  ASSERT_THAT(surely.peaks, SizeIs(1));
  EXPECT_EQ(surely.peaks[0].worker, 3);
  EXPECT_EQ(surely.peak_outside_unix_us, std::nullopt);

  tables.peaks[2].live_bytes = 499;
  const auto unsure = analyze(tables, {}, options);
  EXPECT_THAT(unsure.peaks, IsEmpty());
  EXPECT_EQ(unsure.peak_outside_unix_us, kStartedUnixNs / 1000 + 1'000'000);
  options.workers = {2, 3};
  EXPECT_THAT(analyze(tables, {}, options).peaks, SizeIs(2));
}

TEST(RequestIsolator, MergesWhatWasFoldedAndSaysSo) {
  auto tables = small_tables();
  tables.meta.single_requests_since_us = 30'000'000;
  recording::SliceRow slice;
  slice.endpoint = 1;
  slice.until_us = 30'000'000;
  for (const auto allocated : {1000, 3000}) recording::add_request(slice, request_row(1, allocated));
  tables.slices = {slice};
  const auto result = analyze(tables, {request_row(1, 5000, 40'000'000)});
  const EndpointCost& endpoint = result.endpoints[0];
  EXPECT_EQ(endpoint.requests, 3U);
  EXPECT_EQ(endpoint.allocated_bytes.mean, 3000);
  EXPECT_EQ(endpoint.allocated_bytes.max, 5000U);
  EXPECT_NEAR(static_cast<double>(endpoint.allocated_bytes.p50), 3000, 3000 * result.folded->percentile_error_ratio);
  EXPECT_EQ(endpoint.total_byte_seconds, 9000.0 / 8);
  EXPECT_NEAR(endpoint.duration_seconds.mean, 0.25, 1e-12);
  EXPECT_EQ(result.folded->requests, 2U);
  EXPECT_EQ(result.folded->requests_left_out, 0U);
  EXPECT_EQ(result.recorded_requests, 3U);
}

TEST(RequestIsolator, LeavesOutAndCountsSlicesThatTheOptionsCutThrough) {
  auto tables = small_tables();
  tables.meta.single_requests_since_us = 30'000'000;
  recording::SliceRow slice;
  slice.endpoint = 1;
  slice.until_us = 30'000'000;
  recording::add_request(slice, request_row(1, 1000));
  tables.slices = {slice};
  RequestsOptions by_time;
  by_time.since = Moment::parse("10s");
  const auto cut = analyze(tables, {request_row(1, 5000, 40'000'000)}, by_time);
  EXPECT_EQ(cut.endpoints[0].requests, 1U);
  EXPECT_EQ(cut.folded->requests_left_out, 1U);
  RequestsOptions by_worker;
  by_worker.workers = {1};
  EXPECT_EQ(analyze(tables, {}, by_worker).folded->requests_left_out, 1U);
  RequestsOptions later;
  later.since = Moment::parse("30s");
  EXPECT_EQ(analyze(tables, {}, later).folded->requests_left_out, 0U);
}

TEST(RequestIsolator, RefusesARequestOfAnEndpointThatIsNotThere) {
  EXPECT_THROW(analyze(small_tables(), {request_row(77, 1)}), recording::RecordingError);
}

TEST(RequestIsolator, IsEmptyWithoutRequests) {
  const auto result = analyze(small_tables(), {});
  EXPECT_THAT(result.endpoints, IsEmpty());
  EXPECT_THAT(result.findings, IsEmpty());
  EXPECT_EQ(result.requests, 0U);
  EXPECT_EQ(result.accounting.balanced, true);
}

}  // namespace
}  // namespace heapledger::analysis
