#include "analysis/memory_use.h"

#include <gtest/gtest.h>

#include "rows_for_tests.h"

namespace heapledger::analysis {
namespace {

MemoryUse memory_of(const std::vector<recording::WorkerRow>& workers) {
  auto tables = small_tables();
  tables.workers = workers;
  return analyze(tables, {}).memory;
}

TEST(MemoryUse, AddsUpToTheRss) {
  const MemoryUse use = memory_of({worker_row(1), worker_row(2)});
  EXPECT_EQ(use.processes, 2U);
  EXPECT_EQ(use.rss_bytes, 40'000U);
  EXPECT_EQ(use.live_bytes, 6'000);
  EXPECT_EQ(use.allocator_retained_bytes, 8'000U);
  EXPECT_EQ(use.heapledger_bytes, 2'000U);
  EXPECT_EQ(use.other_bytes, 24'000);
}

TEST(MemoryUse, HasANegativeRestWhereBookedMemoryIsNotResident) {
  auto worker = worker_row(1);
  worker.live_bytes = 50'000;
  EXPECT_EQ(memory_of({worker}).other_bytes, 20'000 - 50'000 - 4'000 - 1'000);
}

TEST(MemoryUse, LeavesOutWorkersThatOthersReplaced) {
  auto replaced = worker_row(1);
  replaced.ended_us = 10'000'000;
  auto successor = worker_row(2);
  successor.started_us = 11'000'000;
  const MemoryUse use = memory_of({replaced, successor});
  EXPECT_EQ(use.processes, 1U);
  EXPECT_EQ(use.rss_bytes, 20'000U);
}

TEST(MemoryUse, LeavesOutAKilledWorkerThatWasReplacedBeforeItsEndWasSeen) {
  auto killed = worker_row(1);
  killed.ending = recording::WorkerEnding::kDied;
  killed.ended_us = 12'000'000;
  auto successor = worker_row(2);
  successor.started_us = 11'000'000;
  successor.ended_us = 50'000'000;
  EXPECT_EQ(memory_of({killed, successor}).processes, 1U);
  successor.ended_us = 12'500'000;  // all were killed at once
  EXPECT_EQ(memory_of({killed, successor}).processes, 2U);
}

TEST(MemoryUse, KeepsWorkersThatEndedOneAfterTheOtherAtTheEnd) {
  auto first = worker_row(1);
  first.ended_us = 50'000'000;
  auto second = worker_row(2);
  second.started_us = 20'000'000;
  EXPECT_EQ(memory_of({first, second}).processes, 2U);
}

TEST(MemoryUse, KeepsAWorkerThatIsAliveStill) {
  auto running = worker_row(1);
  running.ended_us.reset();
  auto second = worker_row(2);
  second.started_us = 20'000'000;
  EXPECT_EQ(memory_of({running, second}).processes, 2U);
}

TEST(MemoryUse, IsAbsentWhenNothingWasSampled) {
  auto worker = worker_row(1);
  worker.rss_bytes.reset();
  const MemoryUse use = memory_of({worker});
  EXPECT_EQ(use.processes, 0U);
  EXPECT_FALSE(use.rss_bytes.has_value());
  EXPECT_FALSE(use.live_bytes.has_value());
}

TEST(MemoryUse, DoesNotInventTheRestWhenAPartIsUnknown) {
  auto worker = worker_row(2);
  worker.allocator_retained_bytes.reset();
  const MemoryUse use = memory_of({worker_row(1), worker, worker_row(3)});
  EXPECT_EQ(use.rss_bytes, 60'000U);
  EXPECT_FALSE(use.allocator_retained_bytes.has_value());
  EXPECT_FALSE(use.other_bytes.has_value());
}

}  // namespace
}  // namespace heapledger::analysis
