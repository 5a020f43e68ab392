// Scopes through the C seam: many at once, over and done with, out of slots, frozen, forked.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "fresh_engine.h"

namespace heapledger::engine {
namespace {

using SeamLife = FreshEngine;

TEST_F(SeamLife, two_thousand_open_scopes_each_hold_what_is_theirs) {
  std::vector<hl_scope> scopes;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    scopes.push_back(hl_begin());
    hl_enter(scopes.back());
    hl_allocated(address(i), 1000 + i);
  }
  hl_enter({0, 0});
  for (std::uint64_t i = 0; i < 2000; ++i) {
    EXPECT_EQ(hl_read_scope(scopes[i]).live_bytes, 1000 + i);
    EXPECT_EQ(hl_read_scope(scopes[i]).peak_bytes, 1000 + i);
  }
  expect_balanced();
}

TEST_F(SeamLife, a_scope_that_is_over_does_nothing) {
  const hl_scope scope = hl_begin();
  hl_leave(scope, nullptr);
  hl_leave(scope, nullptr);
  hl_end(scope, nullptr);
  hl_enter(scope);
  hl_allocated(address(1), 100);
  hl_enter({0, 0});
  EXPECT_EQ(hl_read_scope(scope).allocated_bytes, 0u);
  EXPECT_EQ(e_.ledger.header.finished_requests.load(), 1u);
  EXPECT_EQ(live_bytes(e_, OwnerId{ledger::kOwnerService}), 100);
  expect_balanced();
}

TEST_F(SeamLife, a_row_says_what_was_isolated_and_what_escaped) {
  const hl_scope scope = hl_begin();
  hl_set_endpoint(scope, hl_endpoint("GET", "/a", "", 0));
  hl_enter(scope);
  hl_allocated(address(1), 1000);
  hl_allocated(address(2), 300);
  hl_freed(address(1));
  hl_enter({0, 0});
  const hl_outcome outcome{201, 0, 11, 22};
  hl_leave(scope, &outcome);
  const ledger::RingRecord& row = e_.ledger.ring[0];
  EXPECT_EQ(row.commit.load(), 1u);
  EXPECT_EQ(row.allocated_bytes, 1300u);
  EXPECT_EQ(row.allocations, 2u);
  EXPECT_EQ(row.peak_bytes, 1300u);
  EXPECT_EQ(row.escaped_bytes, 300u);
  EXPECT_EQ(row.isolated_bytes, 1000u);
  EXPECT_EQ(row.status, 201u);
  EXPECT_EQ(row.received_bytes, 11u);
  EXPECT_EQ(row.sent_bytes, 22u);
}

TEST_F(SeamLife, survivors_move_to_the_tenured_owner_of_their_cohort_and_slots_come_back) {
  const std::uint32_t endpoint = hl_endpoint("GET", "/leaks", "", 0);
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const hl_scope scope = hl_begin();
    ASSERT_NE(scope.generation, 0u) << "no slot for request " << i;
    hl_set_endpoint(scope, endpoint);
    hl_enter(scope);
    hl_allocated(address(i), 64);
    hl_enter({0, 0});
    hl_leave(scope, nullptr);
  }
  hl_tenure();
  EXPECT_EQ(e_.ledger.header.approximate_requests.load(), 0u);
  // Twenty thousand requests are ten runs of 2,048, the last one not full.
  const ledger::LifeRecord& life = e_.ledger.lives[endpoint];
  EXPECT_EQ(life.requests, 20'000u);
  EXPECT_EQ(life.cohort_requests, 2048u);
  EXPECT_EQ(life.retained_bytes.load(), 64 * 20'000);
  for (std::uint32_t cohort = 0; cohort < ledger::kCohorts; ++cohort) {
    const OwnerId tenured{life.cohort_owners[cohort]};
    const std::int64_t born =
        std::clamp(20'000 - static_cast<std::int64_t>(cohort) * 2048, std::int64_t{0}, std::int64_t{2048});
    EXPECT_EQ(tenured.raw() == 0 ? 0 : live_bytes(e_, tenured), born * 64) << cohort;
  }
  EXPECT_EQ(hl_read_books().allocated_bytes, 64u * 20'000);  // tenuring allocates nothing
  expect_balanced();
}

TEST_F(SeamLife, without_a_free_slot_requests_are_counted_as_approximate) {
  std::vector<hl_scope> scopes;
  for (std::uint32_t i = 0; i < ledger::kOwnerSlots; ++i) scopes.push_back(hl_begin());
  EXPECT_EQ(scopes.back().generation, 0u);
  EXPECT_EQ(e_.ledger.header.approximate_requests.load(), 2u);  // ids 0 and 1 are nobody's and the service's
  for (const hl_scope& scope : scopes) hl_leave(scope, nullptr);
  EXPECT_NE(hl_begin().generation, 0u);
}

TEST_F(SeamLife, a_full_ring_drops_rows_and_counts_them) {
  for (std::uint32_t i = 0; i < ledger::kRingRecords + 100; ++i) hl_leave(hl_begin(), nullptr);
  EXPECT_EQ(e_.ledger.header.dropped_requests.load(), 100u);
  e_.ledger.header.ring_tail.store(10, std::memory_order_release);
  for (int i = 0; i < 20; ++i) hl_leave(hl_begin(), nullptr);
  EXPECT_EQ(e_.ledger.header.dropped_requests.load(), 110u);
}

TEST_F(SeamLife, a_flood_of_endpoints_folds_into_other_and_is_counted) {
  std::uint32_t last = 0;
  for (int i = 0; i < 5000; ++i) last = hl_endpoint("GET", ("/r" + std::to_string(i)).c_str(), "", 0);
  EXPECT_EQ(last, hl_endpoint("GET", "<other>", "", 0));
  EXPECT_EQ(hl_endpoint("GET", "/r0", "", 0), 1u);
  EXPECT_GT(e_.ledger.header.folded_endpoints.load(), 4000u);
}

TEST_F(SeamLife, every_method_has_its_other_and_those_beyond_share_one) {
  for (int i = 0; i < 5000; ++i) hl_endpoint("GET", ("/r" + std::to_string(i)).c_str(), "", 0);
  std::set<std::uint32_t> ids{hl_endpoint("GET", "<other>", "", 0)};
  for (int i = 0; i < 60; ++i) ids.insert(hl_endpoint(("METHOD" + std::to_string(i)).c_str(), "/late", "", 0));
  EXPECT_EQ(ids.size(), 61u);
  EXPECT_EQ(ids.count(0), 0u);
  const std::string longest(900, 'M');
  std::uint32_t last = 0;
  for (int i = 0; i < 60; ++i) last = hl_endpoint((longest + std::to_string(i)).c_str(), "/late", "", 0);
  EXPECT_NE(last, 0u);
  EXPECT_EQ(last, hl_endpoint("OTHER", "<other>", "", 0));
}

TEST_F(SeamLife, routes_that_fill_the_string_heap_fold_too) {
  const std::string filler(1000, 'x');
  std::uint32_t last = 0;
  for (int i = 0; i < 900; ++i) last = hl_endpoint("GET", (filler + std::to_string(i)).c_str(), "", 0);
  EXPECT_EQ(last, hl_endpoint("GET", "<other>", "", 0));
}

TEST_F(SeamLife, frozen_books_stand_still_and_are_audited) {
  hl_allocated(address(1), 4096);
  hl_freeze();
  hl_freed(address(1));
  hl_allocated(address(2), 4096);
  EXPECT_EQ(hl_begin().generation, 0u);
  EXPECT_EQ(e_.ledger.header.audited_live_bytes, 4096u);
  EXPECT_EQ(e_.ledger.header.audited_owner_mismatches, 0u);
  EXPECT_EQ(live_bytes(e_, OwnerId{ledger::kOwnerService}), 4096);
}

TEST_F(SeamLife, threads_that_allocate_and_free_each_others_blocks_leave_balanced_books) {
  constexpr int kThreads = 8;
  constexpr std::uint64_t kBlocks = 4000;
  const auto work = [](std::uint64_t me) {
    std::mt19937_64 random{me};
    hl_scope scope{0, 0};
    for (std::uint64_t i = 0; i < kBlocks; ++i) {
      if (i % 50 == 0) {
        if (scope.generation != 0) hl_leave(scope, nullptr);
        scope = hl_begin();
        hl_enter(scope);
      }
      hl_allocated(address(me * kBlocks + i), random() % 10'000);
    }
    hl_leave(scope, nullptr);
  };
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < kThreads; ++t) threads.emplace_back(work, t);
  for (std::thread& thread : threads) thread.join();
  expect_balanced();
  threads.clear();
  for (std::uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([t] {
      for (std::uint64_t i = 0; i < kBlocks; ++i) hl_freed(address(((t + 1) % kThreads) * kBlocks + i));
    });
  }
  for (int i = 0; i < 20; ++i) hl_tenure();  // beside the frees
  for (std::thread& thread : threads) thread.join();
  expect_balanced();
  EXPECT_EQ(hl_read_books().live_bytes, 0u);
}

// The child keeps balanced books of its own, in a file of its own, and the parent's do not move.
TEST_F(SeamLife, a_fork_splits_the_books) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("hl-fork-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  restart(folder.string());
  const hl_scope open = hl_begin();
  hl_enter(open);
  hl_allocated(address(1), 10'000);
  hl_enter({0, 0});
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    hl_freed(address(1));     // an inherited block
    hl_leave(open, nullptr);  // the parent's request: nothing happens
    const hl_scope mine = hl_begin();
    hl_enter(mine);
    hl_allocated(address(2), 500);
    const hl_books books = hl_read_books();
    const bool right = books.mismatching_owners == 0 && books.live_bytes == 500 && books.freed_bytes == 10'000 &&
                       e_.ledger.header.pid == static_cast<std::uint64_t>(getpid()) && e_.ledger_file == 1 &&
                       e_.ledger.header.finished_requests.load() == 0;
    _exit(right ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(hl_read_scope(open).live_bytes, 10'000u);
  EXPECT_EQ(hl_read_books().live_bytes, 10'000u);
  const auto files = std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator{});
  EXPECT_EQ(files, 2);
  std::filesystem::remove_all(folder);
}

// The parent has its ledger, and then the run folder is full (here: files may not be so large) when it forks.
TEST_F(SeamLife, a_child_without_room_for_a_ledger_leaves_a_marker) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("hl-ledgerless-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  restart(folder.string());
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit limit{1 << 20, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  const pid_t child = fork();
  if (child != 0) setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_GE(child, 0);
  if (child == 0) {
    for (int i = 0; i < 3; ++i) hl_leave(hl_begin(), nullptr);
    _exit(e_.ledger_file == 0 && e_.ledger_failed == EFBIG ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  std::map<std::string, int> endings;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    ++endings[entry.path().extension().string()];
    if (entry.path().extension() != ".ledgerless") continue;
    EXPECT_EQ(entry.file_size(), 0u);
    EXPECT_EQ(entry.path().filename().string().substr(0, std::to_string(child).size() + 1),
              std::to_string(child) + "-");
  }
  EXPECT_EQ(endings, (std::map<std::string, int>{{".ledger", 1}, {".ledgerless", 1}}));
  std::filesystem::remove_all(folder);
}

TEST_F(SeamLife, a_run_folder_that_cannot_be_written_switches_the_books_off) {
  std::memset(static_cast<void*>(hl_engine_storage), 0, sizeof(Engine));
  EXPECT_EQ(hl_start("/proc/no-such-folder"), -1);
  EXPECT_STREQ(e_.off_reason, "the ledger file could not be made");
  hl_allocated(address(1), 100);
  EXPECT_EQ(hl_begin().generation, 0u);
  EXPECT_EQ(live_bytes(e_, OwnerId{ledger::kOwnerService}), 0);
}

// Growing a file beyond this limit would end the process with SIGXFSZ.
TEST_F(SeamLife, a_limit_on_file_sizes_switches_the_books_off) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("hl-limit-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::memset(static_cast<void*>(hl_engine_storage), 0, sizeof(Engine));
    const rlimit limit{1 << 20, 1 << 20};
    setrlimit(RLIMIT_FSIZE, &limit);
    _exit(hl_start(folder.c_str()) == -1 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace heapledger::engine
