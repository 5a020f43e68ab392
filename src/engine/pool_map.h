// Which owner holds this pymalloc block? A record per 16 KiB pool, since all blocks of a pool have one size.
//
//   address   47            35 34              14 13          0
//             [ top index    ] [ leaf index      ] [ offset    ]
//   entry     pointer to the pool's PoolRecord; nullptr: no pool of ours
//   record    [ block size u16 | smallest size it is long enough for u16 | reciprocal u32 | owners u16[] ]
//
// Empty top entries point at one shared read-only leaf of zeros, so that a lookup has no null test. Records are
// bump-allocated in chunks per 1 MiB unit of address space: the pages touched are dense.
//
// Synchronisation rules:
//   1. Every function here runs under the GIL (or a test's lock): pymalloc does too.
//   2. The tables are plain memory; only `top` is filled at prepare().
// Allocates by mmap only, never by the heap. Fork: private memory, the child inherits a copy-on-write copy.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/ids.h"
#include "engine/export.h"
#include "engine/size_class.h"

namespace heapledger::engine {

using base::OwnerId;

// What an entry of `owners` holds: the owner, and a mark on blocks that are sampled (engine/sampler.h).
inline constexpr std::uint16_t kSampledBit = 0x8000;
inline constexpr std::uint16_t kOwnerMask = 0x1FFF;

struct PoolRecord {
  std::uint16_t block_bytes;
  std::uint16_t smallest_block_bytes;  // what it was allocated for: pools change their size all day
  std::uint32_t reciprocal;            // of block_bytes, for block_index()
  std::uint16_t owners[];

  std::uint16_t& owner_of(std::uintptr_t address) noexcept {
    return owners[block_index(address & kPoolMask, reciprocal)];
  }
  std::size_t length() const noexcept { return owner_array_length(block_bytes); }
};

class PoolMap {
 public:
  static constexpr unsigned kLeafShift = 35;
  static constexpr unsigned kUnitShift = 20;
  static constexpr std::size_t kTopEntries = std::size_t{1} << (48 - kLeafShift);
  static constexpr std::size_t kLeafEntries = std::size_t{1} << (kLeafShift - kPoolShift);
  static constexpr std::size_t kLeafUnits = std::size_t{1} << (kLeafShift - kUnitShift);

  // Where a unit's pool records come from.
  struct Unit {
    std::uint32_t chunk;       // newest chunk, 0: none; next_chunk_ links to the one before
    std::uint32_t used_bytes;  // of the newest chunk
    std::uint32_t pools;       // entries of this unit that are set
  };
  struct Leaf {
    PoolRecord* entries[kLeafEntries];
    Unit units[kLeafUnits];
  };

  // False: no memory for the leaf of zeros; nothing is hooked then.
  bool prepare() noexcept;

  // nullptr where no pool of ours is known.
  PoolRecord* find(std::uintptr_t address) const noexcept {
    return top_[address >> kLeafShift]->entries[(address >> kPoolShift) & (kLeafEntries - 1)];
  }

  // Make the pool around `address` one of `block_bytes` blocks and return its record; nullptr when there is no memory.
  // Owners left over from its former life are handed to `lost(context, owner, block_bytes)` and cleared.
  using Lost = void (*)(void* context, std::uint16_t owner, std::size_t block_bytes);
  HL_EXPORT PoolRecord* set_pool(std::uintptr_t address, std::size_t block_bytes, Lost lost, void* context) noexcept;

  // Forget every pool in [address, address + bytes): the arena went back to the system.
  HL_EXPORT void clear(std::uintptr_t address, std::size_t bytes, Lost lost, void* context) noexcept;

  // From here on every lookup answers "no pool": the books are closed.
  void close() noexcept;

  // Every pool of ours, in address order: visit(context, record).
  using Visit = void (*)(void* context, PoolRecord& pool);
  void for_each(Visit visit, void* context) const noexcept;

  // The same from pool number `cursor` on, at most `limit` leaf entries looked at; returns the next cursor, or
  // kEndOfPools. For work in bounded steps.
  static constexpr std::uint64_t kEndOfPools = ~std::uint64_t{0};
  std::uint64_t walk(std::uint64_t cursor, std::uint64_t limit, Visit visit, void* context) const noexcept;

  std::uint64_t pool_count() const noexcept { return pool_count_; }
  // Bytes of mapped tables that are resident, by asking the kernel. Slow; for samples.
  HL_EXPORT std::size_t resident_bytes() const noexcept;

 private:
  Leaf* leaf_for(std::uintptr_t address) noexcept;
  PoolRecord* allocate_record(Unit& unit, std::size_t block_bytes) noexcept;
  std::uint32_t take_chunk() noexcept;
  char* address_of_chunk(std::uint32_t chunk) const noexcept;
  void release_unit(Unit& unit) noexcept;

  Leaf* top_[kTopEntries];
  Leaf* zeros_;
  static constexpr std::size_t kRegionsAtMost = 4096;
  static constexpr std::size_t kChunksPerRegion = 512;

  std::uint64_t pool_count_;
  std::size_t region_count_;
  char* regions_[kRegionsAtMost];
  // Chunks are numbered from 1, region by region. Their links lie here and not in them: a free chunk has no page.
  std::uint32_t chunk_count_;
  std::uint32_t free_chunk_;
  std::uint32_t next_chunk_[kRegionsAtMost * kChunksPerRegion + 1];
};

}  // namespace heapledger::engine
