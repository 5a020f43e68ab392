// What outlives its request: ordinals, cohorts, ages, who freed it; and the curve of a request's life.
#include "engine/survivors.h"

#include <map>
#include <memory>
#include <string>

#include "engine/fork.h"
#include "fresh_engine.h"
#include "ledger/ledger_view.h"

namespace heapledger::engine {
namespace {

class Survivors : public FreshEngine {
 protected:
  // A request of `route` that leaves one block behind, or none.
  void serve(const char* route, std::uint64_t number, std::size_t keeps_bytes) {
    const hl_scope scope = hl_begin();
    hl_set_endpoint(scope, hl_endpoint("GET", route, "", 0));
    hl_enter(scope);
    hl_allocated(address(number), std::max<std::size_t>(keeps_bytes, 1));
    if (keeps_bytes == 0) hl_freed(address(number));
    hl_enter({0, 0});
    hl_leave(scope, nullptr);
  }

  std::unique_ptr<ledger::LedgerView> view() {
    std::string error;
    auto opened = ledger::LedgerView::over(e_.ledger, error);
    EXPECT_EQ(error, "");
    return opened;
  }
};

TEST_F(Survivors, size_classes_are_steps_of_sixteen_and_then_powers_of_two) {
  const std::map<std::uint64_t, std::uint32_t> classes = {
      {1, 0}, {16, 0}, {17, 1}, {512, 31}, {513, 32}, {1024, 32}, {1025, 33}, {std::uint64_t{1} << 20, 42}};
  for (const auto& [bytes, size_class] : classes) EXPECT_EQ(size_class_of(bytes), size_class) << bytes;
  EXPECT_LT(size_class_of(~std::uint64_t{0}), kSizeClasses);
}

TEST_F(Survivors, live_ones_are_told_apart_by_the_requests_they_come_from) {
  for (std::uint64_t i = 0; i < 160; ++i) serve("/leaks", i, 100);
  for (std::uint64_t i = 0; i < 40; ++i) hl_freed(address(i));
  std::map<std::uint64_t, std::int64_t> live;
  for (const ledger::Cohort& cohort : view()->cohorts()) {
    EXPECT_FALSE(cohort.block_bytes);
    live[cohort.first_request] = cohort.live_bytes;
  }
  // 160 requests are ten runs of 16; of the third, eight are left.
  ASSERT_EQ(live.size(), 8u);
  EXPECT_EQ(live[33], 800);
  EXPECT_EQ(live[49], 1600);
  EXPECT_EQ(live[145], 1600);
}

TEST_F(Survivors, at_the_freeze_they_are_told_apart_by_size_too) {
  for (std::uint64_t i = 0; i < 320; ++i) serve("/leaks", i, i % 2 == 0 ? 64 : 5000);
  freeze(e_);
  std::map<std::uint64_t, std::pair<std::int64_t, std::uint64_t>> by_size;
  for (const ledger::Cohort& cohort : view()->cohorts()) {
    ASSERT_TRUE(cohort.block_bytes);
    by_size[*cohort.block_bytes].first += cohort.live_bytes;
    by_size[*cohort.block_bytes].second += cohort.live_blocks;
    EXPECT_EQ(cohort.last_request - cohort.first_request, 31u);
    EXPECT_EQ(cohort.live_blocks, 16u);
  }
  EXPECT_EQ(by_size[64], std::make_pair(std::int64_t{160 * 64}, std::uint64_t{160}));
  EXPECT_EQ(by_size[8192], std::make_pair(std::int64_t{160 * 5000}, std::uint64_t{160}));
}

TEST_F(Survivors, sweeps_and_doublings_lose_none) {
  constexpr std::uint64_t kRequests = 30'000;
  for (std::uint64_t i = 0; i < kRequests; ++i) {
    serve("/cache", i, 48);
    if (i >= 1000) hl_freed(address(i - 1000));  // a thousand entries, first in first out
  }
  expect_balanced();
  std::int64_t live = 0;
  std::uint64_t oldest = kRequests;
  for (const ledger::Cohort& cohort : view()->cohorts()) {
    live += cohort.live_bytes;
    oldest = std::min(oldest, cohort.first_request);
  }
  EXPECT_EQ(live, 48 * 1000);
  EXPECT_GT(oldest, kRequests - 1000 - 2 * 2048);
  const ledger::Life life = view()->lives().at(0);
  EXPECT_EQ(life.requests, kRequests);
  EXPECT_EQ(life.freed_bytes, 48 * (kRequests - 1000));
  EXPECT_EQ(life.first_aged_free_request, 1001u);
  EXPECT_EQ(life.last_aged_free_request, kRequests);
}

TEST_F(Survivors, a_fork_child_starts_without_any) {
  for (std::uint64_t i = 0; i < 100; ++i) serve("/leaks", i, 64);
  child_after_fork(e_);
  EXPECT_TRUE(view()->lives().empty());
  EXPECT_TRUE(view()->cohorts().empty());
  serve("/leaks", 1000, 64);
  EXPECT_EQ(view()->lives().at(0).requests, 1u);
}

}  // namespace
}  // namespace heapledger::engine
