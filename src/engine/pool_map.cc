#include "engine/pool_map.h"

#include <cstring>

#include "engine/pages.h"

namespace heapledger::engine {
namespace {

constexpr std::size_t kChunkBytes = 16 * 1024;

}  // namespace

bool PoolMap::prepare() noexcept {
  if (zeros_ != nullptr) return true;
  zeros_ = static_cast<Leaf*>(map_zero_pages(sizeof(Leaf)));
  if (zeros_ == nullptr) return false;
  for (Leaf*& leaf : top_) leaf = zeros_;
  return true;
}

PoolMap::Leaf* PoolMap::leaf_for(std::uintptr_t address) noexcept {
  Leaf*& leaf = top_[address >> kLeafShift];
  if (leaf == zeros_) {
    auto* fresh = static_cast<Leaf*>(map_pages(sizeof(Leaf)));
    if (fresh == nullptr) return nullptr;
    leaf = fresh;
  }
  return leaf;
}

std::uint32_t PoolMap::take_chunk() noexcept {
  if (free_chunk_ != 0) {
    const std::uint32_t chunk = free_chunk_;
    free_chunk_ = next_chunk_[chunk];
    return chunk;
  }
  if (chunk_count_ == region_count_ * kChunksPerRegion) {
    if (region_count_ == kRegionsAtMost) return 0;
    auto* fresh = static_cast<char*>(map_pages(kChunksPerRegion * kChunkBytes));
    if (fresh == nullptr) return 0;
    regions_[region_count_++] = fresh;
  }
  return ++chunk_count_;
}

char* PoolMap::address_of_chunk(std::uint32_t chunk) const noexcept {
  return regions_[(chunk - 1) / kChunksPerRegion] + (chunk - 1) % kChunksPerRegion * kChunkBytes;
}

PoolRecord* PoolMap::allocate_record(Unit& unit, std::size_t block_bytes) noexcept {
  const std::size_t wanted = sizeof(PoolRecord) + owner_array_length(block_bytes) * sizeof(std::uint16_t);
  const std::size_t bytes = (wanted + 7) & ~std::size_t{7};
  if (unit.chunk == 0 || unit.used_bytes + bytes > kChunkBytes) {
    const std::uint32_t chunk = take_chunk();
    if (chunk == 0) return nullptr;
    next_chunk_[chunk] = unit.chunk;
    unit.chunk = chunk;
    unit.used_bytes = 0;
  }
  auto* record = reinterpret_cast<PoolRecord*>(address_of_chunk(unit.chunk) + unit.used_bytes);
  unit.used_bytes += static_cast<std::uint32_t>(bytes);
  return record;
}

void PoolMap::release_unit(Unit& unit) noexcept {
  while (unit.chunk != 0) {
    const std::uint32_t chunk = unit.chunk;
    unit.chunk = next_chunk_[chunk];
    drop_pages(address_of_chunk(chunk), kChunkBytes);
    next_chunk_[chunk] = free_chunk_;
    free_chunk_ = chunk;
  }
  unit.used_bytes = 0;
}

namespace {

void report_lost(PoolRecord& pool, PoolMap::Lost lost, void* context) noexcept {
  for (std::size_t i = 0, n = pool.length(); i < n; ++i) {
    if (pool.owners[i] == 0) continue;
    lost(context, pool.owners[i] & kOwnerMask, pool.block_bytes);
    pool.owners[i] = 0;
  }
}

}  // namespace

PoolRecord* PoolMap::set_pool(std::uintptr_t address, std::size_t block_bytes, Lost lost, void* context) noexcept {
  Leaf* leaf = leaf_for(address);
  if (leaf == nullptr) return nullptr;
  PoolRecord*& entry = leaf->entries[(address >> kPoolShift) & (kLeafEntries - 1)];
  Unit& unit = leaf->units[(address >> kUnitShift) & (kLeafUnits - 1)];
  PoolRecord* record = nullptr;
  if (entry != nullptr) {
    report_lost(*entry, lost, context);
    // A longer one is taken anew and the old one rests in the chunk until the unit goes: at most 32 growing records a
    // pool.
    if (entry->smallest_block_bytes <= block_bytes) record = entry;
  }
  if (record == nullptr) {
    record = allocate_record(unit, block_bytes);
    if (record != nullptr) record->smallest_block_bytes = static_cast<std::uint16_t>(block_bytes);
  }
  if (entry == nullptr && record != nullptr) ++unit.pools, ++pool_count_;
  if (entry != nullptr && record == nullptr) --unit.pools, --pool_count_;
  entry = record;
  if (record == nullptr) return nullptr;
  record->block_bytes = static_cast<std::uint16_t>(block_bytes);
  record->reciprocal = reciprocal_of(block_bytes);
  return record;
}

void PoolMap::clear(std::uintptr_t address, std::size_t bytes, Lost lost, void* context) noexcept {
  for (std::uintptr_t pool = address & ~kPoolMask; pool < address + bytes; pool += kPoolBytes) {
    Leaf* leaf = top_[pool >> kLeafShift];
    if (leaf == zeros_) continue;
    PoolRecord*& entry = leaf->entries[(pool >> kPoolShift) & (kLeafEntries - 1)];
    if (entry == nullptr || pool < address || pool + kPoolBytes > address + bytes) continue;
    report_lost(*entry, lost, context);
    entry = nullptr;
    --pool_count_;
    Unit& unit = leaf->units[(pool >> kUnitShift) & (kLeafUnits - 1)];
    if (--unit.pools == 0) release_unit(unit);
  }
}

void PoolMap::close() noexcept {
  for (Leaf*& leaf : top_) leaf = zeros_;
}

void PoolMap::for_each(Visit visit, void* context) const noexcept {
  std::uint64_t cursor = 0;
  while (cursor != kEndOfPools) cursor = walk(cursor, kLeafEntries, visit, context);
}

std::uint64_t PoolMap::walk(std::uint64_t cursor, std::uint64_t limit, Visit visit, void* context) const noexcept {
  constexpr std::uint64_t kPoolsInAll = std::uint64_t{kTopEntries} * kLeafEntries;
  constexpr std::uint64_t kPoolsPerUnit = std::uint64_t{1} << (kUnitShift - kPoolShift);
  while (limit > 0 && cursor < kPoolsInAll) {
    const Leaf* leaf = top_[cursor / kLeafEntries];
    if (leaf == zeros_) {
      cursor = (cursor / kLeafEntries + 1) * kLeafEntries;
      continue;
    }
    const std::uint64_t index = cursor % kLeafEntries;
    if (index % kPoolsPerUnit == 0 && leaf->units[index / kPoolsPerUnit].pools == 0) {
      cursor += kPoolsPerUnit;
      --limit;
      continue;
    }
    if (leaf->entries[index] != nullptr) visit(context, *leaf->entries[index]);
    ++cursor;
    --limit;
  }
  return cursor < kPoolsInAll ? cursor : kEndOfPools;
}

std::size_t PoolMap::resident_bytes() const noexcept {
  std::size_t bytes = 0;
  for (const Leaf* leaf : top_) {
    if (leaf != zeros_ && leaf != nullptr) bytes += resident_bytes_of(leaf, sizeof(Leaf));
  }
  for (std::size_t i = 0; i < region_count_; ++i)
    bytes += resident_bytes_of(regions_[i], kChunksPerRegion * kChunkBytes);
  return bytes;
}

}  // namespace heapledger::engine
