#include "engine/addresses.h"

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "fresh_engine.h"
#include "ledger/ledger_view.h"

namespace heapledger::engine {
namespace {

constexpr std::uintptr_t kBase = 0x7f00'0000'3000;
constexpr std::uintptr_t kArena = std::uintptr_t{1} << 20;

class Addresses : public FreshEngine {
 protected:
  std::set<std::uintptr_t> told() {
    std::string error;
    const auto addresses = ledger::LedgerView::over(e_.ledger, error)->addresses();
    EXPECT_TRUE(addresses) << error;
    std::set<std::uintptr_t> arenas;
    for (const ledger::Run& run : addresses->arenas) {
      for (std::uint64_t at = 0; at < run.bytes; at += kArena) EXPECT_TRUE(arenas.insert(run.address + at).second);
    }
    untold_ = addresses->untold_arenas;
    runs_ = addresses->arenas.size();
    own_ = addresses->own;
    return arenas;
  }
  std::uint32_t untold_ = 0;
  std::size_t runs_ = 0;
  ledger::Run own_;
};

TEST_F(Addresses, neighbours_are_one_run) {
  arena_came(e_, kBase + 5 * kArena);
  arena_came(e_, kBase + 4 * kArena);
  arena_came(e_, kBase + 6 * kArena);
  EXPECT_EQ(told().size(), 3U);
  EXPECT_EQ(runs_, 1U);
  arena_went(e_, kBase + 5 * kArena);
  EXPECT_EQ(told(), (std::set{kBase + 4 * kArena, kBase + 6 * kArena}));
  EXPECT_EQ(runs_, 2U);
}

TEST_F(Addresses, the_engines_own_memory_is_among_them) {
  arena_came(e_, kBase);
  told();
  const auto storage = reinterpret_cast<std::uintptr_t>(hl_engine_storage);
  EXPECT_LE(own_.address, storage);
  EXPECT_GE(own_.address + own_.bytes, storage + sizeof(Engine));
}

TEST_F(Addresses, arenas_that_come_and_go_in_any_order_are_told_exactly) {
  std::mt19937 random(7);
  std::set<std::uintptr_t> model;
  for (int i = 0; i < 4000; ++i) {
    const std::uintptr_t arena = kBase + random() % 300 * kArena;
    if (model.erase(arena) != 0) {
      arena_went(e_, arena);
    } else {
      model.insert(arena);
      arena_came(e_, arena);
    }
    if (i % 100 == 0) {
      ASSERT_EQ(told(), model);
    }
  }
  EXPECT_EQ(told(), model);
  EXPECT_EQ(untold_, 0U);
}

TEST_F(Addresses, arenas_without_room_are_counted) {
  for (std::uintptr_t i = 0; i < 2 * ledger::kArenaRuns; ++i) arena_came(e_, kBase + 2 * i * kArena);
  EXPECT_EQ(told().size(), ledger::kArenaRuns);
  EXPECT_EQ(untold_, ledger::kArenaRuns);
}

}  // namespace
}  // namespace heapledger::engine
