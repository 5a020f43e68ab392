// The C seam against a naive model: random sequences of everything it offers, compared after every few steps.
#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "fresh_engine.h"

namespace heapledger::engine {
namespace {

struct ModelBlock {
  std::size_t bytes;
  std::size_t scope;  // index into scopes_; kService
};

struct ModelScope {
  hl_scope handle;
  std::uint64_t allocated = 0;
  std::uint64_t live = 0;
  std::uint64_t peak = 0;
  bool open = true;
};

class SeamModel : public FreshEngine, public testing::WithParamInterface<unsigned> {
 protected:
  static constexpr std::size_t kService = ~std::size_t{0};

  void step() {
    switch (random_() % 16) {
      case 0:
        return begin();
      case 1:
        return leave();
      case 2:
        return adopt();
      case 3:
        if (random_() % 8 == 0) hl_tenure();
        return;
      case 4:
      case 5:
      case 6:
      case 7:
      case 8:
        return release();
      default:
        return allocate();
    }
  }

  std::size_t some_open_scope() {
    if (scopes_.empty() || random_() % 4 == 0) return kService;
    const std::size_t index = random_() % scopes_.size();
    return scopes_[index].open ? index : kService;
  }

  void begin() { scopes_.push_back({hl_begin()}); }

  void leave() {
    const std::size_t index = some_open_scope();
    if (index == kService) return;
    hl_leave(scopes_[index].handle, nullptr);
    scopes_[index].open = false;
  }

  void credit(std::size_t scope, std::size_t bytes) {
    allocated_ += bytes;
    live_ += bytes;
    if (scope == kService) return;
    scopes_[scope].allocated += bytes;
    scopes_[scope].live += bytes;
    scopes_[scope].peak = std::max(scopes_[scope].peak, scopes_[scope].live);
  }

  void debit(std::size_t scope, std::size_t bytes) {
    live_ -= bytes;
    if (scope != kService) scopes_[scope].live -= bytes;
  }

  void allocate() {
    const std::size_t scope = some_open_scope();
    const hl_scope before = hl_enter(scope == kService ? hl_scope{0, 0} : scopes_[scope].handle);
    // A third share their 16-byte granule with nobody, the rest lie 8 bytes apart: the overflow table works too.
    const std::uint64_t number = random_() % 4096;
    const auto* place = static_cast<const char*>(address(number)) + (number % 3 == 0 ? 8 : 0);
    if (blocks_.count(place) == 0) {
      const std::size_t bytes = std::size_t{1} << (random_() % 22);
      hl_allocated(place, bytes);
      blocks_[place] = {bytes, scope};
      credit(scope, bytes);
    }
    hl_enter(before);
  }

  void release() {
    if (blocks_.empty()) return;
    auto block = blocks_.begin();
    std::advance(block, static_cast<std::ptrdiff_t>(random_() % std::min<std::size_t>(blocks_.size(), 64)));
    hl_freed(block->first);
    debit(block->second.scope, block->second.bytes);
    blocks_.erase(block);
  }

  void adopt() {
    const std::size_t to = some_open_scope();
    if (blocks_.empty() || to == kService) return;
    auto& [place, block] = *blocks_.begin();
    ASSERT_EQ(hl_adopt(place, scopes_[to].handle), 1);
    if (block.scope != to) {
      debit(block.scope, block.bytes);
      allocated_ -= block.bytes;
      if (block.scope != kService) scopes_[block.scope].allocated -= block.bytes;
      credit(to, block.bytes);
    }
    block.scope = to;
  }

  void compare() {
    const hl_books books = hl_read_books();
    ASSERT_EQ(books.mismatching_owners, 0u);
    ASSERT_EQ(books.blocks, blocks_.size());
    ASSERT_EQ(books.live_bytes, live_);
    ASSERT_EQ(books.walked_bytes, live_);
    ASSERT_EQ(books.allocated_bytes, allocated_);
    ASSERT_EQ(books.freed_bytes, allocated_ - live_);
    for (const ModelScope& scope : scopes_) {
      if (!scope.open) continue;
      const hl_scope_memory memory = hl_read_scope(scope.handle);
      ASSERT_EQ(memory.allocated_bytes, scope.allocated);
      ASSERT_EQ(memory.live_bytes, scope.live);
    }
  }

  std::mt19937 random_{GetParam()};
  std::map<const void*, ModelBlock> blocks_;
  std::vector<ModelScope> scopes_;
  std::uint64_t allocated_ = 0;
  std::uint64_t live_ = 0;
};

TEST_P(SeamModel, agrees_with_a_naive_model_after_any_sequence) {
  for (int i = 0; i < 20'000; ++i) {
    step();
    if (i % 500 == 0) {
      ASSERT_NO_FATAL_FAILURE(compare()) << "after step " << i;
    }
  }
  ASSERT_NO_FATAL_FAILURE(compare());
  for (const auto& [place, block] : blocks_) hl_freed(place);
  EXPECT_EQ(hl_read_books().live_bytes, 0u);
}

INSTANTIATE_TEST_SUITE_P(seeds, SeamModel, testing::Values(1u, 2u, 3u, 4u));

}  // namespace
}  // namespace heapledger::engine
