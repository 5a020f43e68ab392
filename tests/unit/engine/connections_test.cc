// Connections as owners: whose bytes, which events, which figures of their pool.
#include "engine/connections.h"

#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "engine/fork.h"
#include "engine/tenure.h"
#include "fresh_engine.h"
#include "ledger/ledger_view.h"

namespace heapledger::engine {
namespace {

class Connections : public FreshEngine {
 protected:
  std::uint32_t described(const char* name = "orders") {
    PoolDescription pool;
    pool.name = name;
    pool.library = "SQLAlchemy";
    pool.settings = R"({"pool_size":5})";
    pool.max_size = 5;
    return describe_pool(e_, pool);
  }

  Scope made(std::uint32_t pool, std::uint64_t block = 0, std::size_t bytes = 0) {
    const Scope scope = begin_connection(e_, pool, {});
    if (bytes != 0) {
      const hl_scope before = hl_enter({scope.generation, scope.owner});
      hl_allocated(address(block), bytes);
      hl_enter(before);
    }
    connected(e_, scope);
    return scope;
  }

  std::unique_ptr<ledger::LedgerView> view() {
    std::string error;
    auto opened = ledger::LedgerView::over(e_.ledger, error);
    EXPECT_EQ(error, "");
    return opened;
  }

  std::vector<ledger::PoolEvent> events() {
    std::vector<ledger::PoolEvent> events;
    auto reader = view();
    reader->drain(
        false, ledger::kRingRecords, [](const ledger::FinishedRequest&) {},
        [&](const ledger::PoolEvent& event) { events.push_back(event); });
    return events;
  }
};

using Kind = ledger::PoolEventKind;

TEST_F(Connections, a_pool_is_described_once) {
  const std::uint32_t first = described();
  EXPECT_NE(first, 0u);
  EXPECT_EQ(described(), first);
  EXPECT_NE(described("users"), first);
  const std::vector<ledger::PoolInfo> pools = view()->pools();
  ASSERT_EQ(pools.size(), 2u);
  EXPECT_EQ(pools[0].name, "orders");
  EXPECT_EQ(pools[0].library, "SQLAlchemy");
  EXPECT_EQ(pools[0].settings, R"({"pool_size":5})");
  EXPECT_EQ(pools[0].max_size, 5);
  EXPECT_FALSE(pools[0].timeout_us);
}

TEST_F(Connections, more_pools_than_records_are_counted) {
  for (std::uint32_t i = 1; i < ledger::kPools; ++i) EXPECT_NE(described(std::to_string(i).c_str()), 0u);
  EXPECT_EQ(described("one too many"), 0u);
  EXPECT_EQ(e_.ledger.header.untold_pools.load(), 1u);
  EXPECT_EQ(begin_connection(e_, 0, {}).generation, 0u);
  EXPECT_EQ(begin_connection(e_, ledger::kPools, {}).generation, 0u);
}

TEST_F(Connections, what_is_allocated_while_one_is_made_is_its_own_and_not_the_requests) {
  const hl_scope request = hl_begin();
  hl_enter(request);
  const Scope connection = made(described(), 1, 5000);
  hl_allocated(address(2), 70);
  EXPECT_EQ(hl_read_scope(request).live_bytes, 70u);
  EXPECT_EQ(hl_read_scope(request).peak_bytes, 70u);
  EXPECT_EQ(live_bytes(e_, OwnerId{connection.owner}), 5000);
  const ledger::ConnectionInfo info = view()->connections().at(0);
  EXPECT_EQ(info.live_bytes, 5000);
  EXPECT_EQ(info.number, 1u);
  EXPECT_EQ(info.use, ledger::ConnectionUse::kIdle);
  expect_balanced();
}

TEST_F(Connections, events_tell_of_the_pool_after_them_and_of_the_request) {
  const std::uint32_t pool = described();
  const hl_scope request = hl_begin();
  hl_set_endpoint(request, hl_endpoint("GET", "/orders", "", 0));
  const Scope asking{request.generation, static_cast<std::uint16_t>(request.owner)};
  const Scope one = made(pool);
  const Scope other = made(pool);
  check_out(e_, one, 1500, {asking, 7});
  check_out(e_, other, kNotWaited, {});
  check_in(e_, one);
  close_connection(e_, other, false);
  pool_waiters_changed(e_, pool, 2);
  pool_timed_out(e_, pool, 30'000, {asking, 0});
  const std::vector<ledger::PoolEvent> seen = events();
  ASSERT_EQ(seen.size(), 7u);
  const std::vector<Kind> kinds = {Kind::kCreate,  Kind::kCreate, Kind::kCheckout, Kind::kCheckout,
                                   Kind::kCheckin, Kind::kClose,  Kind::kTimeout};
  const std::vector<std::vector<std::uint32_t>> open_and_in_use = {{1, 0}, {2, 0}, {2, 1}, {2, 2},
                                                                   {2, 1}, {1, 0}, {1, 0}};
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    EXPECT_EQ(seen[i].kind, kinds[i]) << i;
    EXPECT_EQ(seen[i].open, open_and_in_use[i][0]) << i;
    EXPECT_EQ(seen[i].in_use, open_and_in_use[i][1]) << i;
  }
  EXPECT_EQ(seen[2].wait_ns, 1500u);
  EXPECT_EQ(seen[2].request_sequence, 1u);
  EXPECT_EQ(seen[2].endpoint, 1u);
  EXPECT_EQ(seen[2].stack, 7u);
  EXPECT_FALSE(seen[3].wait_ns);
  EXPECT_EQ(seen[3].request_sequence, 0u);
  EXPECT_TRUE(seen[4].hold_ns);
  EXPECT_TRUE(seen[5].hold_ns);
  EXPECT_EQ(seen[6].waiters, 2u);
  EXPECT_EQ(seen[6].wait_ns, 30'000u);
  EXPECT_EQ(seen[6].connection, 0u);
}

TEST_F(Connections, one_that_was_never_given_back_says_who_has_it) {
  const std::uint32_t pool = described();
  const hl_scope request = hl_begin();
  hl_set_endpoint(request, hl_endpoint("POST", "/pay", "", 0));
  const Scope held = made(pool);
  check_out(e_, held, 0, {{request.generation, static_cast<std::uint16_t>(request.owner)}, 3});
  hl_leave(request, nullptr);
  const ledger::ConnectionInfo info = view()->connections().at(0);
  EXPECT_EQ(info.use, ledger::ConnectionUse::kInUse);
  EXPECT_EQ(info.request_sequence, 1u);
  EXPECT_EQ(info.endpoint, 1u);
  EXPECT_EQ(info.stack, 3u);
}

TEST_F(Connections, a_closed_one_is_there_while_bytes_of_it_are_live) {
  const std::uint32_t pool = described();
  const Scope kept = made(pool, 1, 300);
  const Scope gone = made(pool, 2, 200);
  hl_freed(address(2));
  close_connection(e_, kept, false);
  close_connection(e_, gone, false);
  ASSERT_EQ(view()->connections().size(), 1u);
  EXPECT_EQ(view()->connections()[0].use, ledger::ConnectionUse::kClosed);
  EXPECT_EQ(view()->connections()[0].live_bytes, 300);
  EXPECT_NE(view()->connections()[0].closed_unix_ns, 0u);
  hl_freed(address(1));
  tenure_all(e_);
  EXPECT_TRUE(view()->connections().empty());
  expect_balanced();
}

TEST_F(Connections, one_that_could_not_be_made_is_in_no_figure) {
  const std::uint32_t pool = described();
  fail_connection(e_, begin_connection(e_, pool, {}));
  close_connection(e_, begin_connection(e_, pool, {}), false);
  EXPECT_TRUE(events().empty());
  EXPECT_TRUE(view()->connections().empty());
}

TEST_F(Connections, calls_on_one_that_is_over_do_nothing) {
  const Scope connection = made(described());
  close_connection(e_, connection, true);
  check_out(e_, connection, 0, {});
  check_in(e_, connection);
  close_connection(e_, connection, false);
  connected(e_, Scope{});
  const std::vector<ledger::PoolEvent> seen = events();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_TRUE(seen[1].orphan);
}

TEST_F(Connections, one_that_is_detached_is_its_holders_with_what_it_holds) {
  const std::uint32_t pool = described();
  const Scope connection = made(pool, 1, 3000);
  check_out(e_, connection, 0, {});
  EXPECT_TRUE(is_checked_out(e_, connection));
  detach_connection(e_, connection);
  EXPECT_FALSE(is_checked_out(e_, connection));
  detach_connection(e_, connection);
  check_in(e_, connection);
  EXPECT_TRUE(view()->connections().empty());
  EXPECT_EQ(e_.ledger.pools[pool].open, 0u);
  EXPECT_EQ(e_.ledger.pools[pool].in_use, 0u);
  const std::vector<ledger::PoolEvent> seen = events();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[2].kind, Kind::kClose);
  EXPECT_FALSE(seen[2].orphan);
  EXPECT_TRUE(seen[2].hold_ns);
  detach_connection(e_, begin_connection(e_, pool, {}));
  EXPECT_EQ(events().size(), 3u);
  expect_balanced();
  hl_freed(address(1));
  expect_balanced();
}

TEST_F(Connections, events_leave_half_of_the_ring_to_requests) {
  const Scope connection = made(described());
  for (int i = 0; i < 2000; ++i) {
    check_out(e_, connection, 0, {});
    check_in(e_, connection);
  }
  EXPECT_EQ(events().size(), ledger::kRingRecords / 2);
  EXPECT_EQ(e_.ledger.header.dropped_pool_events.load(), 4001 - ledger::kRingRecords / 2);
  for (std::uint32_t i = 0; i < ledger::kRingRecords / 2; ++i) hl_leave(hl_begin(), nullptr);
  EXPECT_EQ(e_.ledger.header.dropped_requests.load(), 0u);
}

TEST_F(Connections, after_a_fork_they_are_the_parents) {
  const std::uint32_t pool = described();
  const Scope connection = made(pool, 1, 100);
  child_after_fork(e_);
  check_out(e_, connection, 0, {});
  EXPECT_TRUE(events().empty());
  EXPECT_TRUE(view()->connections().empty());
  EXPECT_EQ(described(), pool);
  EXPECT_EQ(record(e_, OwnerId{made(pool).owner}).sequence, 1u);
}

// Random steps, calls on connections that are over among them, against sets of what is open and what is in use.
TEST_F(Connections, a_pools_figures_and_the_books_follow_whatever_happens) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    restart("");
    std::mt19937 random(seed);
    const std::uint32_t pool = described();
    std::vector<Scope> made_ones;
    std::set<std::size_t> open;
    std::set<std::size_t> in_use;
    std::uint64_t block = 0;
    for (int step = 0; step < 400; ++step) {
      const std::size_t which = made_ones.empty() ? 0 : random() % made_ones.size();
      const std::uint64_t what = made_ones.empty() ? 0 : random() % 6;
      if (what == 0 && made_ones.size() < 60) {
        open.insert(made_ones.size());
        made_ones.push_back(made(pool, ++block, 64 + random() % 9000));
      } else if (what <= 2) {
        check_out(e_, made_ones[which], 0, {});
        if (open.contains(which)) in_use.insert(which);
      } else if (what == 3) {
        check_in(e_, made_ones[which]);
        in_use.erase(which);
      } else if (what == 4) {
        close_connection(e_, made_ones[which], random() % 2 == 0);
        open.erase(which);
        in_use.erase(which);
      } else {
        mark_orphan(e_, made_ones[which]);
        if (random() % 2 == 0) hl_freed(address(1 + which));
      }
      ASSERT_EQ(e_.ledger.pools[pool].open, open.size()) << seed << " " << step;
      ASSERT_EQ(e_.ledger.pools[pool].in_use, in_use.size()) << seed << " " << step;
    }
    expect_balanced();
    std::size_t listed = 0;
    for (const ledger::ConnectionInfo& info : view()->connections()) listed += info.closed_unix_ns == 0 ? 1 : 0;
    EXPECT_EQ(listed, open.size());
  }
}

}  // namespace
}  // namespace heapledger::engine
