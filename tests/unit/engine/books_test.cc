// The hot bank: exact totals and peaks whatever the window does, and level times time.
#include <random>

#include "base/clock.h"
#include "fresh_engine.h"

namespace heapledger::engine {
namespace {

class Books : public FreshEngine {
 protected:
  OwnerId open_owner() { return OwnerId{begin_request(e_).owner}; }
};

TEST_F(Books, totals_and_peak_are_exact_for_any_sequence) {
  std::mt19937 random{7};
  const OwnerId owner = open_owner();
  std::uint64_t live = 0, peak = 0, allocated = 0;
  std::vector<std::uint64_t> blocks;
  for (int i = 0; i < 200'000; ++i) {
    if (blocks.empty() || random() % 100 < 52) {
      const std::uint64_t bytes = 16 + random() % (i % 1000 == 0 ? 5'000'000 : 600);
      credit(e_, owner, bytes);
      blocks.push_back(bytes);
      live += bytes;
      allocated += bytes;
      peak = std::max(peak, live);
    } else {
      std::swap(blocks[random() % blocks.size()], blocks.back());
      debit(e_, owner, blocks.back());
      live -= blocks.back();
      blocks.pop_back();
    }
    if (i % 997 == 0) {
      ASSERT_EQ(peak_bytes(e_, owner), peak);
    }
  }
  EXPECT_EQ(live_bytes(e_, owner), static_cast<std::int64_t>(live));
  EXPECT_EQ(hot(e_, owner).allocated_bytes, allocated);
  EXPECT_EQ(peak_bytes(e_, owner), peak);
}

// Whatever an ended owner's window is, the free that leaves it nothing is seen, and no free before that one.
TEST_F(Books, an_ended_owner_is_free_again_with_its_last_block) {
  std::mt19937 random{11};
  for (int round = 0; round < 200; ++round) {
    const Scope scope = begin_request(e_);
    const OwnerId owner{scope.owner};
    std::vector<std::uint64_t> blocks(1 + random() % 40);
    for (std::uint64_t& bytes : blocks) {
      bytes = 16 + random() % (round % 5 == 0 ? 3'000'000 : 600);
      credit(e_, owner, bytes);
    }
    const bool outside = round % 3 == 0;  // the last block may be the other bank's
    if (outside) credit_off_gil(e_, owner, 48);
    leave_request(e_, scope, {});
    if (outside) debit_off_gil(e_, owner, 48);
    while (!blocks.empty()) {
      ASSERT_EQ(record(e_, owner).state, OwnerState::kEnded);
      if (random() % 4 == 0) {  // what a background task of it allocates
        blocks.push_back(16 + random() % 600);
        credit(e_, owner, blocks.back());
      }
      std::swap(blocks[random() % blocks.size()], blocks.back());
      debit(e_, owner, blocks.back());
      blocks.pop_back();
    }
    ASSERT_EQ(record(e_, owner).state, OwnerState::kFree) << "round " << round;
  }
  EXPECT_EQ(e_.ended_owners, 0U);
}

// A level that stands still between two operations is integrated exactly, however small the operations are that
// surround it: here 100 MB held for a time that the test measures itself.
TEST_F(Books, byte_seconds_of_a_level_that_stands_still_are_exact) {
  constexpr std::uint64_t kBytes = 100'000'000;
  const OwnerId owner = open_owner();
  const std::uint64_t before = base::monotonic_ns();
  credit(e_, owner, kBytes);
  const std::uint64_t held_from = base::monotonic_ns();
  while (base::monotonic_ns() - held_from < 20'000'000) {
  }
  const std::uint64_t held_until = base::monotonic_ns();
  debit(e_, owner, kBytes);
  const std::uint64_t after = base::monotonic_ns();
  const double byte_seconds = record(e_, owner).byte_seconds;
  EXPECT_GE(byte_seconds, static_cast<double>(kBytes) * static_cast<double>(held_until - held_from) * 1e-9);
  EXPECT_LE(byte_seconds, static_cast<double>(kBytes) * static_cast<double>(after - before) * 1e-9 * 1.0001);
}

TEST_F(Books, bytes_from_threads_without_the_gil_count_in_live_and_peak) {
  const OwnerId owner = open_owner();
  credit(e_, owner, 1'000'000);
  credit_off_gil(e_, owner, 2'000'000);
  EXPECT_EQ(peak_bytes(e_, owner), 3'000'000u);
  debit_off_gil(e_, owner, 2'000'000);
  debit(e_, owner, 1'000'000);
  EXPECT_EQ(live_bytes(e_, owner), 0);
  EXPECT_EQ(peak_bytes(e_, owner), 3'000'000u);
}

// Two moments that never met are not added to a peak.
TEST_F(Books, a_peak_under_the_gil_and_a_later_one_without_it_are_not_summed) {
  const OwnerId owner = open_owner();
  credit(e_, owner, 4'000'000);
  debit(e_, owner, 4'000'000);
  credit_off_gil(e_, owner, 3'000'000);
  EXPECT_EQ(peak_bytes(e_, owner), 4'000'000u);
}

TEST_F(Books, frees_by_somebody_else_are_told_from_ones_own) {
  const OwnerId first = open_owner();
  const OwnerId second = open_owner();
  int thread = 0;
  const auto running = [&](OwnerId owner, std::uint64_t version) {
    return CurrentOwner{&thread, 1, version, nullptr, owner.raw()};
  };
  set_current(e_, running(first, 1));
  credit(e_, first, 100);
  set_current(e_, running(second, 2));
  debit(e_, first, 100);
  freed_elsewhere(e_, first, 100, running(second, 2));
  EXPECT_EQ(record(e_, first).foreign_freed_bytes, 100u);
  EXPECT_EQ(record(e_, second).adopted_bytes, 100u);
}

// The freer is known only at its next allocation: what it freed until then waits for its name.
TEST_F(Books, frees_before_the_new_owner_is_known_wait_for_it) {
  const OwnerId first = open_owner();
  const OwnerId second = open_owner();
  int thread = 0;
  set_current(e_, {&thread, 1, 1, nullptr, first.raw()});
  freed_elsewhere(e_, first, 70, {&thread, 1, 2, nullptr, 0});
  freed_elsewhere(e_, second, 50, {&thread, 1, 2, nullptr, 0});
  EXPECT_EQ(record(e_, first).foreign_freed_bytes, 0u);
  set_current(e_, {&thread, 1, 2, nullptr, second.raw()});
  EXPECT_EQ(record(e_, first).foreign_freed_bytes, 70u);
  EXPECT_EQ(record(e_, second).foreign_freed_bytes, 0u);
  EXPECT_EQ(record(e_, second).adopted_bytes, 70u);
}

TEST_F(Books, the_highest_moment_names_who_was_in_flight) {
  const OwnerId small = open_owner();
  const OwnerId large = open_owner();
  credit(e_, small, 10'000'000);
  credit(e_, large, 50'000'000);
  const ledger::PeakRecord& peak = e_.ledger.peaks[e_.ledger.header.peak_current.load()];
  EXPECT_EQ(peak.live_bytes, 60'000'000u);
  EXPECT_EQ(peak.in_flight, 2u);
  ASSERT_EQ(peak.member_count, 2u);
  EXPECT_EQ(peak.members[0].live_bytes, 50'000'000u);
  EXPECT_EQ(peak.members[1].live_bytes, 10'000'000u);
}

}  // namespace
}  // namespace heapledger::engine
