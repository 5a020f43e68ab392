#include "report/requests_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/next_step.h"
#include "report/requests_text.h"
#include "requests_results.h"

namespace heapledger::report {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

analysis::RequestsResult result_with_peak(const recording::PeakRow& peak) {
  auto tables = analysis::small_tables();
  tables.peaks = {peak};
  return analysis::analyze(tables, {analysis::request_row(1, 1)});
}

TEST(PeakLine, NamesOnlyHoldersThatTheUnitShows) {
  const auto result = result_with_peak({1, 1'000'000, 20 * kMiB, 3, {{1, 1, 5 * kMiB}, {2, 2, 10 * kKiB}, {2, 3, 0}}});
  const std::string line = peak_line(result);
  EXPECT_THAT(line, HasSubstr("20.0 MiB, 5.0 of it in 1 x GET /orders, 15.0 outside requests"));
  EXPECT_THAT(line, EndsWith(" (3 in flight)"));
  EXPECT_THAT(line, Not(HasSubstr("POST")));
}

TEST(PeakLine, CountsRequestsThatHeldNothing) {
  const std::string line = peak_line(result_with_peak({1, 1'000'000, 20 * kMiB, 1, {{1, 1, 900}}}));
  EXPECT_THAT(line, EndsWith("20.0 MiB, 20.0 outside requests (1 in flight)"));
  EXPECT_THAT(peak_line(result_with_peak({1, 1'000'000, 20 * kMiB, 0, {}})), EndsWith(", no request in flight"));
}

TEST(PeakLine, SaysWhereThePeakIsWhenTheChosenTimeLacksIt) {
  analysis::RequestsResult result;
  EXPECT_EQ(peak_line(result), "");
  result.peak_outside_unix_us = 1'795'000'000'000'000;
  EXPECT_EQ(peak_line(result), "outside of the chosen time, at 2026-11-18T11:06:40.000000Z");
}

TEST(BooksLine, SaysHowFarBehindTheBooksAre) {
  auto result = orders_result();
  EXPECT_THAT(books_line(result), EndsWith("; 0 dropped"));
  result.accounting.books_behind_seconds = 3.5;
  EXPECT_THAT(books_line(result), EndsWith("; 0 dropped; as of 3.5 s before the latest request"));
}

std::string last_caution(analysis::RecordingState state) {
  analysis::RequestsResult result;
  result.recording.state = state;
  return caution_lines(result).back().text;
}

TEST(CautionLines, SayHowTheRecordingStands) {
  using State = analysis::RecordingState;
  EXPECT_EQ(last_caution(State::kClosed), "");
  EXPECT_THAT(last_caution(State::kBeingWritten), HasSubstr("is still being written"));
  EXPECT_THAT(last_caution(State::kCollectorKilled), HasSubstr("not closed: its collector was killed"));
  EXPECT_THAT(last_caution(State::kCutShort), HasSubstr("not complete"));
  EXPECT_THAT(last_caution(State::kNotClosed), HasSubstr("still being written, or its collector was killed"));
}

// A master (1) and two workers of which only one had a request, all still running.
analysis::RequestsResult running_result(const analysis::RequestsOptions& options = {}) {
  auto tables = analysis::small_tables();
  tables.workers = {analysis::worker_row(1), analysis::worker_row(2), analysis::worker_row(3)};
  for (auto& worker : tables.workers) {
    worker.ending = recording::WorkerEnding::kRunning;
    worker.ended_us.reset();
    worker.audited_live_bytes.reset();
  }
  tables.peaks = {{1, 1'000'000, 20 * kMiB, 0, {}}};
  auto row = analysis::request_row(1, 1000);
  row.worker = 2;
  return analysis::analyze(tables, {row, row, row}, options);
}

TEST(ReportLines, CallWhatServesNothingAProcess) {
  const auto result = running_result();
  EXPECT_THAT(headline(result), HasSubstr("1 worker,"));
  EXPECT_THAT(books_line(result),
              HasSubstr("not audited: worker 2 and processes 1, 3 (serving nothing) still running when last read"));
  EXPECT_THAT(peak_line(result), HasSubstr(", process 1 (serving nothing): 20.0 MiB"));
  analysis::RequestsOptions master;
  master.workers = {1};
  EXPECT_EQ(running_result(master).to_text(), "nothing recorded of processes that serve nothing (3 in all)\n");
}

TEST(NextStep, IsAboutTheEndpointThatKeepsMost) {
  auto result = orders_result();
  analysis::Finding keeps;
  keeps.kind = analysis::FindingKind::kKeeps;
  keeps.endpoint = 2;
  keeps.total_bytes = 27 * kMiB;
  EXPECT_EQ(next_step_after_requests(result, false)[0], "what does GET /report/{id} keep?");
  result.findings.insert(result.findings.begin(), keeps);
  EXPECT_EQ(next_step_after_requests(result, false)[0], "what does GET /orders keep?");
  result.findings.front().total_bytes = 25 * kMiB;
  EXPECT_EQ(next_step_after_requests(result, false)[0], "what does GET /report/{id} keep?");
}

TEST(NextStep, HasItsCommandOnALineOfItsOwn) {
  const auto steps = next_step_after_requests(orders_result(), true);
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[1], "heapledger leaks small.db --route '/report/{id}'");
  RequestsTextOptions options;
  options.after_run = true;
  EXPECT_THAT(requests_text(orders_result(), options),
              EndsWith("\n         heapledger leaks small.db --route '/report/{id}'\n"));
}

}  // namespace
}  // namespace heapledger::report
