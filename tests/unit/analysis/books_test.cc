#include "analysis/books.h"

#include <gtest/gtest.h>

#include "rows_for_tests.h"

namespace heapledger::analysis {
namespace {

Accounting books_of(const std::vector<recording::WorkerRow>& workers) {
  auto tables = small_tables();
  tables.workers = workers;
  return analyze(tables, {}).accounting;
}

TEST(Books, SumOverTheWorkers) {
  auto second = worker_row(2);
  second.dropped_requests = 3;
  second.approximate_requests = 2;
  const Accounting books = books_of({worker_row(1), second});
  EXPECT_EQ(books.allocated_bytes, 20'000U);
  EXPECT_EQ(books.freed_bytes, 14'000U);
  EXPECT_EQ(books.live_bytes, 6'000);
  EXPECT_EQ(books.unattributed_bytes, 1'000U);
  EXPECT_EQ(books.dropped_requests, 3U);
  EXPECT_EQ(books.approximate_requests, 2U);
  EXPECT_EQ(books.balanced, true);
}

TEST(Books, AreWrongWhenOneWalkFoundOtherBytes) {
  auto off = worker_row(2);
  off.audited_live_bytes = 2'999;
  EXPECT_EQ(books_of({worker_row(1), off}).balanced, false);
}

TEST(Books, AreWrongWhenAnOwnerIsOffEvenIfTheSumIsRight) {
  auto off = worker_row(1);
  off.audited_owner_mismatches = 2;
  EXPECT_EQ(books_of({off}).balanced, false);
}

TEST(Books, AreWrongWhenAllocatedMinusFreedIsNotLiveAlsoWithoutAWalk) {
  auto off = worker_row(1);
  off.audited_live_bytes.reset();
  off.freed_bytes += 1;
  EXPECT_EQ(books_of({off}).balanced, false);
}

TEST(Books, AreOpenWhenAWorkerDiedWithoutAFreeze) {
  auto died = worker_row(2);
  died.ending = recording::WorkerEnding::kDied;
  died.audited_live_bytes.reset();
  EXPECT_EQ(books_of({worker_row(1), died}).balanced, std::nullopt);
}

TEST(Books, AreOpenWhenTheHooksWereDisplaced) {
  auto displaced = worker_row(1);
  displaced.ending = recording::WorkerEnding::kDisplaced;
  EXPECT_EQ(books_of({displaced}).balanced, std::nullopt);
}

TEST(Books, AreOpenWhenSomeProcessesKeptNone) {
  auto tables = small_tables();
  EXPECT_EQ(analyze(tables, {}).accounting.balanced, true);
  tables.meta.workers_without_ledger = 3;
  EXPECT_EQ(analyze(tables, {}).accounting.balanced, std::nullopt);
  EXPECT_EQ(analyze(tables, {}).accounting.workers_without_ledger, 3U);
  tables.meta.workers_without_ledger = 0;
  tables.meta.run_folder_lost = true;
  EXPECT_EQ(analyze(tables, {}).accounting.balanced, std::nullopt);
  EXPECT_TRUE(analyze(tables, {}).accounting.run_folder_lost);
  tables.workers[0].audited_owner_mismatches = 1;
  EXPECT_EQ(analyze(tables, {}).accounting.balanced, false);
}

TEST(Books, AreWrongRatherThanOpenWhenBothHold) {
  auto died = worker_row(1);
  died.audited_live_bytes.reset();
  auto off = worker_row(2);
  off.audited_live_bytes = 1;
  EXPECT_EQ(books_of({died, off}).balanced, false);
  EXPECT_EQ(books_of({off, died}).balanced, false);
}

TEST(Books, AreOpenWithoutAWorker) { EXPECT_EQ(books_of({}).balanced, std::nullopt); }

TEST(Books, CountRequestsThatOnlyTheRecordingKnowsToBeDropped) {
  auto tables = small_tables();
  tables.meta.dropped_requests = 5;
  const auto result = analyze(tables, {});
  EXPECT_EQ(result.accounting.dropped_requests, 5U);
  EXPECT_EQ(result.recording.dropped_requests, 5U);
}

}  // namespace
}  // namespace heapledger::analysis
