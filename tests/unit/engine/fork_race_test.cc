// The parent goes on at once after fork, in the file that the child still shares: the child's books must not see it.
#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "fresh_engine.h"

namespace heapledger::engine {
namespace {

int g_parent_went_on[2] = {-1, -1};

// In the child, before the engine's own handler (this one was registered first): wait for the parent's stores.
void wait_for_the_parent() {
  if (g_parent_went_on[0] < 0) return;
  pollfd ready{g_parent_went_on[0], POLLIN, 0};
  poll(&ready, 1, 10'000);
}

class ForkRace : public FreshEngine {
 protected:
  void SetUp() override {
    ASSERT_EQ(pipe(g_parent_went_on), 0);
    folder_ = std::filesystem::temp_directory_path() / ("hl-fork-race-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
    restart(folder_.string());
  }

  void TearDown() override {
    std::filesystem::remove_all(folder_);
    for (int& end : g_parent_went_on) {
      close(end);
      end = -1;
    }
  }

  std::filesystem::path folder_;
};

[[maybe_unused]] const int kRegisteredFirst = pthread_atfork(nullptr, nullptr, wait_for_the_parent);

TEST_F(ForkRace, what_the_parent_does_after_the_fork_is_not_in_the_childs_books) {
  hl_allocated(address(1), 10'000);
  hl_allocated(address(2), 300);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const hl_books books = hl_read_books();
    _exit(books.mismatching_owners == 0 && books.live_bytes == 10'300 ? 0 : 1);
  }
  hl_freed(address(1));
  hl_allocated(address(3), 7'000);
  ASSERT_EQ(write(g_parent_went_on[1], "x", 1), 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(hl_read_books().live_bytes, 7'300u);
  expect_balanced();
}

}  // namespace
}  // namespace heapledger::engine
