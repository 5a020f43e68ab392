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

  // A request of this endpoint that is over, and 500 bytes of it that live.
  static hl_scope leave_behind(std::uint32_t endpoint) {
    const hl_scope scope = hl_begin();
    hl_set_endpoint(scope, endpoint);
    hl_enter(scope);
    hl_allocated(address(1), 500);
    hl_enter({0, 0});
    hl_leave(scope, nullptr);
    return scope;
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
  EXPECT_EQ(view()->lives().at(0).oldest_free_requests, 0u);  // the service may be shutting down: no sign yet
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
  serve("/leaks", 160, 100);
  EXPECT_EQ(view()->lives().at(0).oldest_free_requests, 159u);  // the first one's, when 160 had ended
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

TEST_F(Survivors, who_frees_whose_memory_is_known_by_endpoint) {
  const std::uint32_t gives = hl_endpoint("GET", "/gives", "", 0);
  const std::uint32_t takes = hl_endpoint("GET", "/takes", "", 0);
  const hl_scope giver = leave_behind(gives);
  const hl_scope taker = hl_begin();
  hl_set_endpoint(taker, takes);
  note_freed_by(e_, static_cast<std::uint16_t>(taker.owner), static_cast<std::uint16_t>(giver.owner), 300);
  note_freed_by(e_, ledger::kOwnerService, static_cast<std::uint16_t>(giver.owner), 200);
  std::map<std::uint32_t, std::uint64_t> bytes;
  for (const ledger::Flow& flow : view()->flows()) {
    EXPECT_EQ(flow.owner_endpoint, gives);
    EXPECT_EQ(flow.blocks, 1u);
    bytes[flow.freer_endpoint] = flow.bytes;
  }
  EXPECT_EQ(bytes, (std::map<std::uint32_t, std::uint64_t>{{takes, 300}, {ledger::kEndpointUnknown, 200}}));
}

TEST_F(Survivors, blocks_that_wait_for_their_freers_name_are_counted_one_by_one) {
  const std::uint32_t gives = hl_endpoint("GET", "/gives", "", 0);
  const hl_scope giver = leave_behind(gives);
  CurrentOwner unknown = e_.current;
  unknown.context_version += 1;
  for (int i = 0; i < 3; ++i) freed_elsewhere(e_, OwnerId{static_cast<std::uint16_t>(giver.owner)}, 100, unknown);
  unknown.owner = ledger::kOwnerService;
  set_current(e_, unknown);
  ASSERT_EQ(view()->flows().size(), 1u);
  EXPECT_EQ(view()->flows().at(0).bytes, 300u);
  EXPECT_EQ(view()->flows().at(0).blocks, 3u);
}

TEST_F(Survivors, a_curve_has_the_mean_level_of_each_sixteenth) {
  const hl_scope scope = hl_begin();
  const OwnerId owner{static_cast<std::uint16_t>(scope.owner)};
  begin_curve(e_, owner);
  record(e_, owner).at_end.peak_bytes = 1500;
  record(e_, owner).started_ns = 1'000'000'000;
  raise_curve_peak(e_, owner, 1500, 9'000'000'000);
  raise_curve_peak(e_, owner, 1600, 12'000'000'000);  // within an eighth: the moment stands
  extend_curve(e_, owner, 4, 4 * 300.0);              // sixteen seconds: a sixteenth each
  extend_curve(e_, owner, 0, 0);
  extend_curve(e_, owner, 4.5, 4.5 * 1500);
  extend_curve(e_, owner, 7.5, 0);
  finish_curve(e_, owner);
  EXPECT_EQ(e_.curves[owner.raw()].levels, 0x3333FFFF80000000u);
  EXPECT_EQ(e_.curves[owner.raw()].peak_percent, 50);
}

TEST_F(Survivors, a_long_curve_keeps_its_byte_seconds) {
  const hl_scope scope = hl_begin();
  const OwnerId owner{static_cast<std::uint16_t>(scope.owner)};
  begin_curve(e_, owner);
  record(e_, owner).at_end.peak_bytes = 1500;
  for (int i = 0; i < 1600; ++i) extend_curve(e_, owner, 0.01, 0.01 * (i % 2 == 0 ? 1500 : 500));
  double byte_seconds = 0;
  for (std::uint32_t i = 0; i < e_.curves[owner.raw()].count; ++i) {
    byte_seconds += static_cast<double>(e_.curves[owner.raw()].stretches[i].byte_seconds);
  }
  EXPECT_NEAR(byte_seconds, 8 * 2000.0, 1);
}

TEST_F(Survivors, stretches_at_one_level_are_one) {
  const hl_scope scope = hl_begin();
  const OwnerId owner{static_cast<std::uint16_t>(scope.owner)};
  begin_curve(e_, owner);
  for (int i = 0; i < 100; ++i) extend_curve(e_, owner, 0.01, 0.01 * (i < 50 ? 1500 : 1600));
  EXPECT_EQ(e_.curves[owner.raw()].count, 2);
  EXPECT_NEAR(static_cast<double>(e_.curves[owner.raw()].stretches[1].seconds), 0.5, 1e-4);
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
