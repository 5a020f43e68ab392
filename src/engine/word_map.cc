#include "engine/word_map.h"

#include <sys/mman.h>

#include <algorithm>

#include "engine/pages.h"

namespace heapledger::engine {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

std::size_t first_bucket(std::uintptr_t address) noexcept {
  return (address * 0x9E3779B97F4A7C15ULL) >> 51;  // 13 bits
}
std::size_t second_bucket(std::uintptr_t address) noexcept { return (address * 0xC2B2AE3D27D4EB4FULL) >> 51; }
static_assert(WordMap::kBuckets == std::size_t{1} << 13);

}  // namespace

std::uint64_t WordMap::offset_bits(std::uintptr_t address) const noexcept {
  const std::uintptr_t mask = (std::uintptr_t{1} << granule_shift_) - 1;
  return static_cast<std::uint64_t>((address & mask) >> 3) << 42;
}

std::uint64_t WordMap::pack(std::uintptr_t address, Block block) const noexcept {
  return (std::uint64_t{block.owner} << 48) | offset_bits(address) | ((block.bytes + 1) & kSizeMask);
}

WordMap::Word* WordMap::word_for(std::uintptr_t address) const noexcept {
  // Acquire: pairs with the release in make_leaf, so that the leaf's zeros are seen.
  Word* leaf = top_[address >> kLeafShift].load(std::memory_order_acquire);
  if (leaf == nullptr) return nullptr;
  return leaf + ((address >> granule_shift_) & (leaf_words() - 1));
}

void WordMap::touch(Word* leaf, std::size_t index) noexcept {
  const std::size_t page = index / kWordsPerPage;
  const std::uint64_t bit = std::uint64_t{1} << (page % 64);
  Word& bits = touched_bits(leaf, page);
  if (HL_UNLIKELY((bits.load(kRelaxed) & bit) == 0)) bits.fetch_or(bit, kRelaxed);
}

WordMap::Word* WordMap::word_for_insert(std::uintptr_t address) noexcept {
  Word* leaf = top_[address >> kLeafShift].load(std::memory_order_acquire);
  if (leaf == nullptr) leaf = make_leaf(address);
  if (leaf == nullptr) return nullptr;
  const std::size_t index = (address >> granule_shift_) & (leaf_words() - 1);
  touch(leaf, index);
  return leaf + index;
}

WordMap::Word* WordMap::make_leaf(std::uintptr_t address) noexcept {
  auto* fresh = static_cast<Word*>(map_pages(leaf_bytes()));
  if (fresh == nullptr) return nullptr;
  Word* expected = nullptr;
  if (!top_[address >> kLeafShift].compare_exchange_strong(expected, fresh, std::memory_order_release,
                                                           std::memory_order_acquire)) {
    munmap(fresh, leaf_bytes());  // another thread was first
    return expected;
  }
  return fresh;
}

bool WordMap::insert(std::uintptr_t address, Block block) noexcept {
  if (closed_.load(kRelaxed)) return false;
  Word* word = word_for_insert(address);
  if (word == nullptr) return false;
  std::uint64_t expected = 0;
  if ((address & 7) == 0 && word->compare_exchange_strong(expected, pack(address, block), kRelaxed)) return true;
  return insert_overflow(address, pack(address, block));
}

bool WordMap::insert_overflow(std::uintptr_t address, std::uint64_t packed) noexcept {
  for (const std::size_t bucket : {first_bucket(address), second_bucket(address)}) {
    for (Entry& entry : overflow_[bucket]) {
      std::uint64_t expected = 0;
      if (entry.address.load(kRelaxed) != 0) continue;
      if (!entry.address.compare_exchange_strong(expected, address, kRelaxed)) continue;
      entry.word.store(packed, kRelaxed);
      overflow_count_.fetch_add(1, kRelaxed);
      return true;
    }
  }
  return false;
}

WordMap::Entry* WordMap::find_overflow(std::uintptr_t address) const noexcept {
  if (overflow_count_.load(kRelaxed) == 0) return nullptr;
  for (const std::size_t bucket : {first_bucket(address), second_bucket(address)}) {
    for (Entry& entry : overflow_[bucket]) {
      if (entry.address.load(kRelaxed) == address) return &entry;
    }
  }
  return nullptr;
}

Block WordMap::remove(std::uintptr_t address) noexcept {
  if (closed_.load(kRelaxed)) return {};
  Word* word = word_for(address);
  if (word == nullptr) return {};
  const std::uint64_t seen = word->load(kRelaxed);
  if (seen != 0 && (address & 7) == 0 && (seen & kOffsetMask) == offset_bits(address)) {
    const std::uint64_t last = word->exchange(0, kRelaxed);  // not `seen`: tenuring may have changed the owner
    return {owner_of(last), bytes_of(last)};
  }
  Entry* entry = find_overflow(address);
  if (entry == nullptr) return {};
  const std::uint64_t last = entry->word.exchange(0, kRelaxed);
  overflow_count_.fetch_sub(1, kRelaxed);
  // Release: the next insert that takes this entry must not find its word still being cleared.
  entry->address.store(0, std::memory_order_release);
  return {owner_of(last), bytes_of(last)};
}

Block WordMap::find(std::uintptr_t address) const noexcept {
  const Word* word = word_for(address);
  if (word == nullptr) return {};
  const std::uint64_t seen = word->load(kRelaxed);
  if (seen != 0 && (address & 7) == 0 && (seen & kOffsetMask) == offset_bits(address)) {
    return {owner_of(seen), bytes_of(seen)};
  }
  const Entry* entry = find_overflow(address);
  if (entry == nullptr) return {};
  const std::uint64_t packed = entry->word.load(kRelaxed);
  return packed == 0 ? Block{} : Block{owner_of(packed), bytes_of(packed)};
}

Block WordMap::exchange_owner(std::uintptr_t address, std::uint16_t owner) noexcept {
  const Block before = remove(address);
  if (before.owner == 0) return {};
  if (!insert(address, {owner, before.bytes})) return {};
  return before;
}

void WordMap::for_each(Visit visit, void* context) noexcept {
  std::uint64_t cursor = 0;
  while (cursor != kEnd) cursor = walk(cursor, ~std::uint64_t{0}, visit, context);
}

std::uint64_t WordMap::walk_leaf(Word* leaf, std::uint64_t first, std::uint64_t limit, Visit visit,
                                 void* context) noexcept {
  constexpr std::uint64_t kPagesAtMost = 4096;
  const std::uint64_t first_page = first / kWordsPerPage;
  const std::uint64_t end_page = std::min<std::uint64_t>(first_page + kPagesAtMost, leaf_pages());
  for (std::uint64_t page = first_page; page < end_page; ++page) {
    if ((touched_bits(leaf, page).load(kRelaxed) >> (page % 64) & 1U) == 0) continue;
    const std::uint64_t end = (page + 1) * kWordsPerPage;
    for (std::uint64_t i = std::max(first, page * kWordsPerPage); i < end; ++i) {
      if (limit-- == 0) return i;
      if (leaf[i].load(kRelaxed) != 0) visit(context, leaf[i]);
    }
  }
  return end_page * kWordsPerPage;
}

std::uint64_t WordMap::walk(std::uint64_t cursor, std::uint64_t limit, Visit visit, void* context) noexcept {
  const std::uint64_t words = std::uint64_t{kTopEntries} * leaf_words();
  const std::uint64_t all = words + kBuckets * kBucketEntries;
  while (cursor < words) {
    const std::uint64_t leaf_start = cursor / leaf_words() * leaf_words();
    Word* leaf = top_[cursor / leaf_words()].load(std::memory_order_acquire);
    if (leaf != nullptr) return leaf_start + walk_leaf(leaf, cursor - leaf_start, limit, visit, context);
    cursor = leaf_start + leaf_words();
  }
  for (; cursor < all && limit > 0; ++cursor, --limit) {
    Entry& entry = overflow_[(cursor - words) / kBucketEntries][(cursor - words) % kBucketEntries];
    if (entry.word.load(kRelaxed) != 0) visit(context, entry.word);
  }
  return cursor < all ? cursor : kEnd;
}

std::size_t WordMap::resident_bytes() const noexcept {
  std::size_t bytes = 0;
  for (const auto& leaf : top_) {
    const Word* words = leaf.load(std::memory_order_acquire);
    if (words != nullptr) bytes += resident_bytes_of(words, leaf_bytes());
  }
  return bytes;
}

}  // namespace heapledger::engine
