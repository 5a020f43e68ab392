// Native blocks: the map, its pages, and the books over an allocator whose sizes are known.
#include "engine/native_books.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <thread>
#include <vector>

#include "engine/tenure.h"
#include "fresh_engine.h"

namespace heapledger::engine {
namespace {

// An allocator that knows its blocks' sizes: 32 bytes in front of each, so that no two share a granule.
constexpr std::size_t kFront = 32;
constexpr std::size_t kPoison = 0xDEADDEADDEADDEAD;
std::atomic<std::uint64_t> g_freed{0};

void* take(std::size_t bytes) {
  auto* start = static_cast<char*>(std::aligned_alloc(kFront, (kFront + bytes + 31) / 32 * 32));
  *reinterpret_cast<std::size_t*>(start) = bytes;
  return start + kFront;
}
std::size_t& size_of(void* block) { return *reinterpret_cast<std::size_t*>(static_cast<char*>(block) - kFront); }
std::size_t usable(void* block) {
  EXPECT_NE(size_of(block), kPoison) << "asked for the size of a block that was freed";
  return size_of(block);
}
void give_back(void* block) {
  size_of(block) = kPoison;
  g_freed.fetch_add(1);
  std::free(static_cast<char*>(block) - kFront);
}

class NativeBooks : public FreshEngine {
 protected:
  void SetUp() override {
    FreshEngine::SetUp();
    e_.native = {usable, give_back, true};
    e_.natives.set_granule_shift(5);
    g_freed = 0;
  }

  hl_scope request() { return hl_begin(); }
  static OwnerId owner(hl_scope scope) { return OwnerId{static_cast<std::uint16_t>(scope.owner)}; }

  void* book(hl_scope scope, std::size_t bytes) {
    void* block = take(bytes);
    EXPECT_TRUE(book_native(e_, block, owner(scope), Bank::kGil));
    fold_native_peak(e_, owner(scope));
    return block;
  }
  void release(void* block) {
    const Release was = release_native(e_, block);
    if (was.owner != 0) debit(e_, OwnerId{was.owner}, was.bytes);
    if (!was.held) give_back(block);
  }
  std::int64_t native_live(hl_scope scope) { return e_.ledger.off_gil[scope.owner].native_live_bytes; }
  std::uint64_t native_allocated(hl_scope scope) { return e_.ledger.off_gil[scope.owner].native_allocated_bytes; }
  std::uint64_t native_peak(hl_scope scope) { return e_.ledger.off_gil[scope.owner].native_peak_bytes; }
};

TEST_F(NativeBooks, a_block_is_booked_with_its_usable_size_and_taken_out_again) {
  const hl_scope scope = request();
  void* a = book(scope, 1000);
  void* b = book(scope, 7);
  EXPECT_EQ(hl_read_scope(scope).live_bytes, 1007u);
  EXPECT_EQ(native_live(scope), 1007);
  expect_balanced();
  release(a);
  EXPECT_EQ(hl_read_scope(scope).live_bytes, 7u);
  EXPECT_EQ(hl_read_scope(scope).peak_bytes, 1007u);
  EXPECT_EQ(native_peak(scope), 1007u);
  EXPECT_EQ(native_allocated(scope), 1007u);
  release(b);
  EXPECT_EQ(g_freed, 2u);
  expect_balanced();
}

TEST_F(NativeBooks, the_free_of_a_block_from_before_us_is_counted_and_in_no_figure) {
  const hl_scope scope = request();
  void* foreign = take(100);
  release(foreign);
  EXPECT_EQ(g_freed, 1u);
  EXPECT_EQ(e_.ledger.header.foreign_blocks, 1u);
  EXPECT_EQ(hl_read_scope(scope).live_bytes, 0u);
  expect_balanced();
}

TEST_F(NativeBooks, both_halves_of_a_granule_are_told_apart) {
  char* const base = static_cast<char*>(take(64));
  NativeEntry before;
  const auto low = reinterpret_cast<std::uintptr_t>(base);
  EXPECT_EQ(e_.natives.insert(low + 16, {5, false}, before), NativeMap::Inserted::kYes);
  EXPECT_EQ(e_.natives.find(low).owner, 0);
  EXPECT_EQ(e_.natives.remove(low).owner, 0);
  EXPECT_EQ(e_.natives.find(low + 16).owner, 5);
  EXPECT_EQ(e_.natives.find(low + 8).owner, 0);
  std::uintptr_t seen = 0;
  e_.natives.for_each([](void* context, std::uintptr_t at, auto&) { *static_cast<std::uintptr_t*>(context) = at; },
                      &seen);
  EXPECT_EQ(seen, low + 16);
  EXPECT_EQ(e_.natives.remove(low + 16).owner, 5);
  give_back(base);
}

TEST_F(NativeBooks, eight_byte_granules_hold_a_block_each) {
  restart("");
  e_.native = {usable, give_back, false};
  e_.natives.set_granule_shift(3);
  NativeEntry before;
  const std::uintptr_t base = 0x7000'0000'0000;
  for (std::uint16_t i = 0; i < 1000; ++i) {
    const NativeEntry entry{static_cast<std::uint16_t>(i + 1), i % 2 == 0};
    ASSERT_EQ(e_.natives.insert(base + i * 8U, entry, before), NativeMap::Inserted::kYes);
  }
  for (std::uint16_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(e_.natives.find(base + i * 8U).owner, i + 1);
    EXPECT_EQ(e_.natives.find(base + i * 8U).python, i % 2 == 0);
  }
  for (std::uint16_t i = 0; i < 1000; ++i) EXPECT_EQ(e_.natives.remove(base + i * 8U).owner, i + 1);
}

TEST_F(NativeBooks, what_a_python_hook_returns_is_not_native_and_leaves_no_trace_in_the_native_peak) {
  const hl_scope scope = request();
  void* block = take(5000);
  ASSERT_TRUE(book_native(e_, block, owner(scope), Bank::kGil));
  EXPECT_TRUE(mark_python(e_, block));
  fold_native_peak(e_, owner(scope));
  EXPECT_EQ(native_live(scope), 0);
  EXPECT_EQ(native_allocated(scope), 0u);
  EXPECT_EQ(native_peak(scope), 0u);
  EXPECT_TRUE(mark_python(e_, block)) << "twice is no different";
  EXPECT_EQ(hl_read_scope(scope).live_bytes, 5000u);
  release(block);
  EXPECT_EQ(native_live(scope), 0);
  EXPECT_FALSE(mark_python(e_, block));
  expect_balanced();
}

TEST_F(NativeBooks, a_place_whose_free_nobody_saw_is_taken_from_its_old_owner) {
  const hl_scope first = request();
  const hl_scope second = request();
  void* block = book(first, 400);
  ASSERT_TRUE(book_native(e_, block, owner(second), Bank::kGil));
  EXPECT_EQ(hl_read_scope(first).live_bytes, 0u);
  EXPECT_EQ(native_live(first), 0);
  EXPECT_EQ(hl_read_scope(second).live_bytes, 400u);
  EXPECT_EQ(e_.ledger.header.lost_frees, 1u);
  release(block);
  expect_balanced();
}

TEST_F(NativeBooks, a_failed_reallocation_leaves_the_block_where_it_was) {
  const hl_scope scope = request();
  void* block = book(scope, 900);
  const Release was = release_native(e_, block);
  EXPECT_EQ(was.bytes, 900u);
  restore_native(e_, block, was);
  EXPECT_EQ(native_live(scope), 900);
  expect_balanced();
  release(block);
  expect_balanced();
}

TEST_F(NativeBooks, tenuring_moves_the_native_part_too) {
  const hl_scope scope = request();
  const std::uint32_t endpoint = hl_endpoint("GET", "/kept", "", 0);
  hl_set_endpoint(scope, endpoint);
  void* native = book(scope, 300);
  void* python = book(scope, 500);
  ASSERT_TRUE(mark_python(e_, python));
  hl_leave(scope, nullptr);
  hl_tenure();
  const std::uint32_t heir = e_.ledger.lives[endpoint].cohort_owners[0];
  ASSERT_NE(heir, 0u);
  EXPECT_EQ(live_bytes(e_, OwnerId{static_cast<std::uint16_t>(heir)}), 800);
  EXPECT_EQ(e_.ledger.off_gil[heir].native_live_bytes, 300);
  EXPECT_EQ(native_live(scope), 0);
  expect_balanced();
  release(native);
  release(python);
  EXPECT_EQ(e_.ledger.off_gil[heir].native_live_bytes, 0);
  expect_balanced();
}

TEST_F(NativeBooks, a_block_let_go_of_while_somebody_walks_is_freed_when_he_has_left) {
  const hl_scope scope = request();
  void* block = book(scope, 128);
  {
    const HeldFrees outer(e_);
    {
      const HeldFrees inner(e_);
      release(block);
      EXPECT_EQ(g_freed, 0u);
    }
    EXPECT_EQ(g_freed, 0u);
    EXPECT_EQ(hl_read_scope(scope).live_bytes, 128u);
  }
  EXPECT_EQ(g_freed, 1u);
  EXPECT_EQ(hl_read_scope(scope).live_bytes, 0u);
  expect_balanced();
}

TEST_F(NativeBooks, pages_without_a_block_go_back_and_come_again) {
  const hl_scope scope = request();
  constexpr std::uintptr_t kBase = 0x7100'0000'0000;
  NativeEntry before;
  for (std::uintptr_t page = 0; page < 64; ++page) {
    ASSERT_EQ(e_.natives.insert(kBase + page * 65536, {owner(scope).raw(), true}, before), NativeMap::Inserted::kYes);
  }
  EXPECT_EQ(e_.natives.touched_pages(), 64u);
  for (std::uintptr_t page = 0; page < 64; page += 2) e_.natives.remove(kBase + page * 65536);
  EXPECT_EQ(e_.natives.drop_empty_pages(0, 1000), NativeMap::kEnd);
  EXPECT_EQ(e_.natives.touched_pages(), 32u);
  for (std::uintptr_t page = 1; page < 64; page += 2) EXPECT_NE(e_.natives.find(kBase + page * 65536).owner, 0);
  ASSERT_EQ(e_.natives.insert(kBase, {owner(scope).raw(), true}, before), NativeMap::Inserted::kYes);
  EXPECT_EQ(e_.natives.touched_pages(), 33u);
  for (std::uintptr_t page = 0; page < 64; ++page) e_.natives.remove(kBase + page * 65536);
}

TEST_F(NativeBooks, no_entry_is_lost_while_pages_are_dropped_beside_the_inserts) {
  constexpr int kThreads = 3;
  constexpr int kRounds = 20'000;
  std::atomic<int> running{kThreads};
  std::atomic<std::uint64_t> lost{0};
  std::atomic<std::uint64_t> refused{0};
  std::vector<std::thread> threads;
  for (std::uintptr_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      NativeEntry before;
      for (int round = 0; round < kRounds; ++round) {
        // All threads in the same few pages, each on granules of its own.
        const std::uintptr_t at = 0x7200'0000'0000 + (static_cast<std::uintptr_t>(round) % 4) * 65536 + t * 64;
        if (e_.natives.insert(at, {7, false}, before) == NativeMap::Inserted::kNoRoom) {
          ++refused;
        } else if (e_.natives.remove(at).owner != 7) {
          ++lost;
        }
      }
      --running;
    });
  }
  while (running > 0) e_.natives.drop_empty_pages(0, 64);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(lost, 0u);
  EXPECT_LT(refused, kThreads * kRounds / 10u);
}

// Threads that take, hand over and free blocks without the lock while another walks, sweeps and audits: in the end
// every block was freed once, no size was asked of a freed one, and the books are empty.
TEST_F(NativeBooks, walks_and_frees_of_other_threads_get_along) {
  constexpr int kThreads = 3;
  constexpr int kRounds = 4000;
  std::atomic<int> running{kThreads};
  std::atomic<std::uint64_t> taken{0};
  std::vector<std::thread> threads;
  const hl_scope scope = request();
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::minstd_rand random(static_cast<unsigned>(t) + 1);
      std::vector<void*> mine;
      const auto let_go = [&](void* block) {
        const Release was = release_native(e_, block);
        if (was.owner != 0) debit_off_gil(e_, OwnerId{was.owner}, was.bytes);
        if (!was.held) give_back(block);
      };
      for (int round = 0; round < kRounds; ++round) {
        if (mine.size() < 50 || random() % 2 == 0) {
          void* block = take(8 + random() % 3000);
          ++taken;
          book_native(e_, block, owner(scope), Bank::kOffGil);
          mine.push_back(block);
        } else {
          const std::size_t i = random() % mine.size();
          let_go(mine[i]);
          mine[i] = mine.back();
          mine.pop_back();
        }
      }
      for (void* block : mine) let_go(block);
      --running;
    });
  }
  while (running > 0) hl_read_books();
  for (std::thread& thread : threads) thread.join();
  HeldFrees::free_held(e_);
  EXPECT_EQ(g_freed, taken);
  EXPECT_EQ(hl_read_scope(scope).live_bytes, 0u);
  EXPECT_EQ(native_live(scope), 0);
  expect_balanced();
}

TEST_F(NativeBooks, after_the_freeze_a_block_still_waits_for_the_walker_and_nothing_is_counted) {
  const hl_scope scope = request();
  void* block = book(scope, 64);
  void* unknown = take(64);
  e_.natives.close();
  const std::int64_t live = native_live(scope);
  {
    const HeldFrees held(e_);
    release(block);
    release(unknown);
    EXPECT_EQ(g_freed, 1u) << "what no walk can find need not wait";
  }
  EXPECT_EQ(g_freed, 2u);
  EXPECT_EQ(native_live(scope), live);
}

TEST_F(NativeBooks, a_fork_childs_books_are_what_its_map_says) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("hl-native-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  restart(folder.string());  // books that the child shares until its handler has run
  e_.native = {usable, give_back, true};
  e_.natives.set_granule_shift(5);
  const hl_scope scope = request();
  std::atomic<bool> stop{false};
  std::atomic<bool> runs{false};
  std::thread other([&] {
    while (!stop) {
      void* block = take(100);
      book_native(e_, block, owner(scope), Bank::kOffGil);
      const Release was = release_native(e_, block);
      if (was.owner != 0) debit_off_gil(e_, OwnerId{was.owner}, was.bytes);
      if (!was.held) give_back(block);
      runs = true;
    }
  });
  while (!runs) std::this_thread::yield();
  void* kept = book(scope, 10'000);
  int wrong = 0;
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const Audit found = audit(e_);
      _exit(found.mismatches == 0 && found.walked_bytes >= 10'000 ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    wrong += WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
  }
  stop = true;
  other.join();
  EXPECT_EQ(wrong, 0);
  std::filesystem::remove_all(folder);
  release(kept);
  HeldFrees::free_held(e_);
  expect_balanced();
}

}  // namespace
}  // namespace heapledger::engine
