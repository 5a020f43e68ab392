// The preload library, linked in front of libc: what it forwards, and what a sink is told.
#include <dlfcn.h>
#include <errno.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cstdint>
#include <thread>
#include <vector>

#include "hooks/early_arena.h"
#include "hooks/preload.h"

namespace heapledger::hooks {
namespace {

struct Told {
  char what = 0;
  void* block = nullptr;
  void* after = nullptr;
  std::size_t bytes = 0;
};

// Written by one thread only: the one that sets `t_listening`.
constexpr std::size_t kToldAtMost = 64;
Told g_told[kToldAtMost];
std::size_t g_told_count = 0;
bool g_hold = false;
bool g_sink_allocates = false;
thread_local bool t_listening = false;

void tell(Told told) noexcept {
  if (!t_listening || g_told_count == kToldAtMost) return;
  g_told[g_told_count++] = told;
  if (g_sink_allocates) free(malloc(100));
}

const Sink kSink{[](void* block) noexcept {
                   tell({'a', block});
                 },
                 [](void* block, std::size_t count, std::size_t each) noexcept {
                   tell({'z', block, nullptr, count * each});
                 },
                 [](void* block) noexcept {
                   tell({'r', block});
                   return t_listening && g_hold;
                 },
                 [](void* block) noexcept -> Resizing {
                   tell({'s', block});
                   return {t_listening && g_hold ? Resizing::kHeld : 0, malloc_usable_size(block)};
                 },
                 [](Resizing, void* block, void* after, std::size_t bytes) noexcept {
                   tell({'d', block, after, bytes});
                 }};

const Interposed* attached() {
  static const Interposed* const next = heapledger_preload_attach(kSeamVersion, &kSink);
  return next;
}

class Interposing : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(attached(), nullptr);
    g_hold = g_sink_allocates = false;
    listen();
  }
  void TearDown() override { t_listening = false; }

  void listen() {
    g_told_count = 0;
    t_listening = true;
  }
  static std::string heard() {
    t_listening = false;
    std::string letters;
    for (std::size_t i = 0; i < g_told_count; ++i) letters += g_told[i].what;
    return letters;
  }
};

// The compiler knows these functions and would leave them out.
template <typename Value>
Value opaque(Value value) {
  asm volatile("" : "+r"(value) : : "memory");
  return value;
}

TEST_F(Interposing, the_next_allocator_is_the_c_librarys) {
  EXPECT_EQ(attached()->is_libc, 1u);
  EXPECT_NE(std::string(attached()->provider).find("libc"), std::string::npos);
  void* block = attached()->malloc(10);
  EXPECT_GE(attached()->usable_bytes(block), 10u);
  attached()->free(block);
}

TEST_F(Interposing, another_version_of_the_seam_is_refused_and_so_is_a_second_sink) {
  static const Sink other = kSink;
  EXPECT_EQ(heapledger_preload_attach(kSeamVersion + 1, &kSink), nullptr);
  EXPECT_EQ(heapledger_preload_attach(kSeamVersion, &other), nullptr);
  EXPECT_EQ(heapledger_preload_attach(kSeamVersion, &kSink), attached());
}

TEST_F(Interposing, every_function_of_the_family_is_reported_once) {
  void* blocks[8];
  blocks[0] = opaque(malloc(10));
  blocks[1] = opaque(calloc(3, 7));
  blocks[2] = opaque(realloc(nullptr, 20));
  blocks[3] = opaque(reallocarray(nullptr, 4, 5));
  const int failure = posix_memalign(&blocks[4], 64, 30);
  blocks[5] = opaque(aligned_alloc(32, 64));
  blocks[6] = opaque(memalign(128, 40));
  blocks[7] = opaque(valloc(50));
  void* paged = opaque(pvalloc(60));
  EXPECT_EQ(heard(), "azaaaaaaa");
  EXPECT_EQ(failure, 0);
  EXPECT_EQ(g_told[1].bytes, 21u);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(g_told[i].block, blocks[i]) << i;
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(blocks[4]) % 64, 0u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(blocks[6]) % 128, 0u);
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(blocks[7]) % page, 0u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(paged) % page, 0u);
  EXPECT_GE(malloc_usable_size(paged), page);
  listen();
  for (void* block : blocks) free(opaque(block));
  free(opaque(paged));
  free(opaque(static_cast<void*>(nullptr)));
  EXPECT_EQ(heard(), "rrrrrrrrr");
}

TEST_F(Interposing, a_reallocation_is_reported_around_itself_with_its_contents_kept) {
  char* block = static_cast<char*>(opaque(malloc(100)));
  strcpy(block, "kept");
  listen();
  char* moved = static_cast<char*>(opaque(realloc(opaque(block), 1 << 20)));
  EXPECT_EQ(heard(), "sd");
  EXPECT_STREQ(moved, "kept");
  EXPECT_EQ(g_told[1].after, moved);
  EXPECT_EQ(g_told[1].bytes, std::size_t{1} << 20);
  listen();
  EXPECT_EQ(opaque(realloc(opaque(moved), 0)), nullptr);
  EXPECT_EQ(heard(), "sd");
  EXPECT_EQ(g_told[1].after, nullptr);
}

TEST_F(Interposing, failures_are_the_next_allocators_with_its_errno) {
  errno = 0;
  EXPECT_EQ(opaque(malloc(opaque(SIZE_MAX / 2))), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  errno = 0;
  EXPECT_EQ(opaque(reallocarray(nullptr, opaque(SIZE_MAX / 2), 3)), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  errno = 0;
  EXPECT_EQ(opaque(calloc(opaque(SIZE_MAX / 2), 3)), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  errno = 0;
  EXPECT_EQ(opaque(pvalloc(opaque(SIZE_MAX))), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  void* block = nullptr;
  EXPECT_EQ(posix_memalign(&block, 3, 10), EINVAL);
  EXPECT_EQ(heard(), "");
  listen();
  char* kept = static_cast<char*>(opaque(malloc(10)));
  errno = 0;
  EXPECT_EQ(opaque(realloc(opaque(kept), opaque(SIZE_MAX / 2))), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_EQ(heard(), "asd");
  free(kept);
}

TEST_F(Interposing, errno_survives_a_free) {
  void* block = opaque(malloc(10));
  errno = EAGAIN;
  free(opaque(block));
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(Interposing, what_the_sink_itself_allocates_is_not_reported) {
  g_sink_allocates = true;
  void* block = opaque(malloc(10));
  free(opaque(block));
  EXPECT_EQ(heard(), "ar");
}

TEST_F(Interposing, a_block_that_the_sink_holds_is_not_freed) {
  char* block = static_cast<char*>(opaque(malloc(100)));
  strcpy(block, "still here");
  g_hold = true;
  free(opaque(block));
  g_hold = false;
  t_listening = false;
  EXPECT_STREQ(opaque(block), "still here");
  attached()->free(block);
}

TEST_F(Interposing, a_held_block_that_is_resized_moves_and_stays_readable) {
  char* block = static_cast<char*>(opaque(malloc(100)));
  strcpy(block, "still here");
  g_hold = true;
  listen();
  char* moved = static_cast<char*>(opaque(realloc(opaque(block), 120)));
  const std::string letters = heard();
  g_hold = false;
  EXPECT_NE(moved, block);
  EXPECT_STREQ(moved, "still here");
  EXPECT_STREQ(opaque(block), "still here");
  EXPECT_EQ(letters, "sar");
  free(moved);
  attached()->free(block);
}

TEST_F(Interposing, threads_that_come_and_go_lose_nothing) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 2000; ++i) {
        void* block = opaque(malloc(static_cast<std::size_t>(i) + 1));
        memset(block, i, static_cast<std::size_t>(i) + 1);
        block = opaque(realloc(block, static_cast<std::size_t>(i) * 3 + 1));
        free(block);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  t_listening = false;
}

TEST(EarlyArena, gives_zeroed_aligned_ranges_that_it_knows_again) {
  void* a = early_allocate(10, 16);
  void* b = early_allocate(100, 256);
  ASSERT_NE(a, nullptr);
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b) % 256, 0u);
  EXPECT_TRUE(is_early(a));
  EXPECT_EQ(early_bytes(a), 10u);
  EXPECT_EQ(early_bytes(b), 100u);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(static_cast<char*>(b)[i], 0);
  int here = 0;
  EXPECT_FALSE(is_early(&here));
  EXPECT_EQ(early_allocate(SIZE_MAX, 16), nullptr);
  EXPECT_EQ(early_allocate(1 << 20, 16), nullptr);
  while (early_allocate(1000, 16) != nullptr) {
  }
  EXPECT_EQ(early_allocate(1000, 16), nullptr);
}

}  // namespace
}  // namespace heapledger::hooks
