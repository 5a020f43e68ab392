#include "engine/pool_map.h"

#include <memory>
#include <vector>

#include "fresh_engine.h"

namespace heapledger::engine {
namespace {

constexpr std::uintptr_t kArena = 0x7123'4560'0000;

struct LostBlocks {
  std::vector<std::uint16_t> owners;
  std::size_t bytes = 0;
  static void add(void* context, std::uint16_t owner, std::size_t block_bytes) {
    auto& lost = *static_cast<LostBlocks*>(context);
    lost.owners.push_back(owner);
    lost.bytes += block_bytes;
  }
};

class Pools : public FreshEngine {
 protected:
  PoolRecord* set(std::uintptr_t address, std::size_t block_bytes) {
    return e_.pools.set_pool(address, block_bytes, LostBlocks::add, &lost_);
  }
  LostBlocks lost_;
};

TEST_F(Pools, every_block_of_every_size_has_a_place_of_its_own) {
  for (std::size_t size = kSizeStep; size <= kSmallLimitBytes; size += kSizeStep) {
    PoolRecord* pool = set(kArena, size);
    ASSERT_NE(pool, nullptr);
    std::uint16_t next = 1;
    for (std::size_t at = kPoolHeaderBytes; at + size <= kPoolBytes; at += size) {
      ASSERT_EQ(pool->owner_of(kArena + at), 0) << "size " << size << " offset " << at;
      pool->owner_of(kArena + at) = next++;
    }
    next = 1;
    for (std::size_t at = kPoolHeaderBytes; at + size <= kPoolBytes; at += size) {
      ASSERT_EQ(pool->owner_of(kArena + at), next++);
    }
    for (std::size_t i = 0; i < pool->length(); ++i) pool->owners[i] = 0;
  }
  EXPECT_TRUE(lost_.owners.empty());
}

TEST_F(Pools, an_unknown_address_has_no_pool) {
  EXPECT_EQ(e_.pools.find(0), nullptr);
  EXPECT_EQ(e_.pools.find(kArena), nullptr);
  set(kArena, 64);
  EXPECT_NE(e_.pools.find(kArena + kPoolMask), nullptr);
  EXPECT_EQ(e_.pools.find(kArena + kPoolBytes), nullptr);
}

TEST_F(Pools, a_pool_that_changes_its_size_hands_over_the_blocks_whose_free_was_never_seen) {
  set(kArena, 64)->owner_of(kArena + kPoolHeaderBytes) = 9;
  set(kArena, 16);
  EXPECT_EQ(lost_.owners, std::vector<std::uint16_t>{9});
  EXPECT_EQ(lost_.bytes, 64u);
}

TEST_F(Pools, a_pool_that_changes_its_size_for_ever_takes_no_more_memory_for_it) {
  set(kArena, 512);
  const PoolRecord* longest = set(kArena, 16);
  const std::size_t resident = e_.pools.resident_bytes();
  for (int round = 0; round < 10'000; ++round) {
    ASSERT_EQ(set(kArena, 16 + static_cast<std::size_t>(round) % 32 * 16), longest);
  }
  EXPECT_EQ(e_.pools.resident_bytes(), resident);
}

TEST_F(Pools, an_arena_that_goes_back_forgets_its_pools_only) {
  set(kArena, 64);
  set(kArena + (1 << 20), 64)->owner_of(kArena + (1 << 20) + 48) = 3;
  e_.pools.clear(kArena, 1 << 20, LostBlocks::add, &lost_);
  EXPECT_EQ(e_.pools.find(kArena), nullptr);
  EXPECT_NE(e_.pools.find(kArena + (1 << 20)), nullptr);
  EXPECT_TRUE(lost_.owners.empty());
}

TEST_F(Pools, records_of_a_returned_unit_are_used_again_and_come_back_empty) {
  for (int round = 0; round < 50; ++round) {
    for (std::uintptr_t pool = kArena; pool < kArena + (1 << 20); pool += kPoolBytes) {
      PoolRecord* record = set(pool, 32);
      ASSERT_NE(record, nullptr);
      for (std::size_t i = 0; i < record->length(); ++i) ASSERT_EQ(record->owners[i], 0);
      record->owners[0] = 5;
      record->owners[0] = 0;
    }
    e_.pools.clear(kArena, 1 << 20, LostBlocks::add, &lost_);
  }
  EXPECT_TRUE(lost_.owners.empty());
}

}  // namespace
}  // namespace heapledger::engine
