// Owner and requested size of every block that is not in a pymalloc pool: one 64-bit word per granule of address space.
//
//   word   63      48 47        42 41                 0
//          [ owner   ] [ offset   ] [ size + 1          ]     0: no block starts in this granule
//          offset: where in its granule the block starts, in steps of 8 bytes
//
// The granule is 512 bytes beside pymalloc pools (every block above 512 bytes has one to itself; small RAW blocks may
// share one), 16 or 8 where every block lies here (PYTHONMALLOC=malloc, debug, mimalloc). A second block in a granule
// goes to the overflow table: buckets of eight entries, two buckets an address, looked at whole, so that removal needs
// no tombstones.
//
// Thread-safe: words and entries are atomics, relaxed; an address belongs to one thread at a time (whoever allocated
// it or is about to free it), so that an insert and a removal of the same address are ordered by the program itself.
// Tenuring exchanges the owner of a word by compare-and-swap beside them.
// Never takes a lock, never uses the heap. Fork: private memory, the child inherits a copy.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engine/export.h"

namespace heapledger::engine {

struct Block {
  std::uint16_t owner = 0;  // 0: not known
  std::size_t bytes = 0;
};

class WordMap {
 public:
  static constexpr unsigned kLeafShift = 30;
  static constexpr std::size_t kTopEntries = std::size_t{1} << (48 - kLeafShift);
  static constexpr std::size_t kBuckets = 8192;
  static constexpr std::size_t kBucketEntries = 8;

  // 9 beside pools; 4 or 3 where all blocks lie here. Before the first insert only.
  void set_granule_shift(unsigned shift) noexcept { granule_shift_ = shift; }
  unsigned granule_shift() const noexcept { return granule_shift_; }

  // False: no room; the block stays unknown and the caller counts it.
  HL_EXPORT bool insert(std::uintptr_t address, Block block) noexcept;
  // The block that starts here, which is forgotten; owner 0 when none is known.
  HL_EXPORT Block remove(std::uintptr_t address) noexcept;
  HL_EXPORT Block find(std::uintptr_t address) const noexcept;
  // Give a block to another owner; returns what it was before (owner 0: not known, nothing done).
  HL_EXPORT Block exchange_owner(std::uintptr_t address, std::uint16_t owner) noexcept;

  // visit(context, word): the visitor may compare-and-swap the owner of what it sees.
  using Visit = void (*)(void* context, std::atomic<std::uint64_t>& word);
  void for_each(Visit visit, void* context) noexcept;
  // At most `limit` words (and 4,096 pages) from `cursor` on; returns the next cursor or kEnd.
  static constexpr std::uint64_t kEnd = ~std::uint64_t{0};
  std::uint64_t walk(std::uint64_t cursor, std::uint64_t limit, Visit visit, void* context) noexcept;

  static std::uint16_t owner_of(std::uint64_t word) noexcept { return static_cast<std::uint16_t>(word >> 48); }
  static std::size_t bytes_of(std::uint64_t word) noexcept { return (word & kSizeMask) - 1; }
  static std::uint64_t with_owner(std::uint64_t word, std::uint16_t owner) noexcept {
    return (word & ~(std::uint64_t{0xFFFF} << 48)) | (std::uint64_t{owner} << 48);
  }

  void close() noexcept { closed_.store(true, std::memory_order_relaxed); }
  std::size_t resident_bytes() const noexcept;

 private:
  static constexpr std::uint64_t kSizeMask = (std::uint64_t{1} << 42) - 1;
  static constexpr std::uint64_t kOffsetMask = std::uint64_t{0x3F} << 42;

  struct Entry {
    std::atomic<std::uint64_t> address;
    std::atomic<std::uint64_t> word;
  };
  using Word = std::atomic<std::uint64_t>;

  std::uint64_t pack(std::uintptr_t address, Block block) const noexcept;
  std::uint64_t offset_bits(std::uintptr_t address) const noexcept;
  Word* word_for(std::uintptr_t address) const noexcept;
  Word* word_for_insert(std::uintptr_t address) noexcept;
  Word* make_leaf(std::uintptr_t address) noexcept;
  Entry* find_overflow(std::uintptr_t address) const noexcept;
  bool insert_overflow(std::uintptr_t address, std::uint64_t word) noexcept;
  std::uint64_t walk_leaf(Word* leaf, std::uint64_t first, std::uint64_t limit, Visit visit, void* context) noexcept;
  // A walk looks at touched pages only: the others stay out of it, and out of memory. (Asking the kernel which pages
  // are resident would miss those that were swapped out.)
  static constexpr std::size_t kWordsPerPage = 4096 / sizeof(std::uint64_t);
  std::size_t leaf_pages() const noexcept { return leaf_words() / kWordsPerPage; }
  std::size_t leaf_bytes() const noexcept { return leaf_words() * sizeof(Word) + leaf_pages() / 8; }
  Word& touched_bits(Word* leaf, std::size_t page) const noexcept { return leaf[leaf_words() + page / 64]; }
  void touch(Word* leaf, std::size_t index) noexcept;
  std::size_t leaf_words() const noexcept { return std::size_t{1} << (kLeafShift - granule_shift_); }

  unsigned granule_shift_;
  std::atomic<bool> closed_;
  std::atomic<std::uint64_t> overflow_count_;  // lets a miss skip the buckets while nothing lies there
  std::atomic<Word*> top_[kTopEntries];        // a leaf: its words, then a bit for each of its pages that ever held one
  mutable Entry overflow_[kBuckets][kBucketEntries];
};

}  // namespace heapledger::engine
