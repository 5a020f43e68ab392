// Which owner holds this native block? Sixteen bits per granule of address space; the size is not kept: it is the next
// allocator's own malloc_usable_size, asked again when the block goes.
//
//   entry   15  14        13      12      0
//           [ - | python  | half  | owner ]     0: no block of ours starts in this granule
//           python: a MEM or OBJ hook returned this block, it is not native to the request
//           half:   it starts in the granule's second half
//   leaf    [ entries of 256 MiB of address space | a state for each 4 KiB page of entries ]
//   state   31               2 1    0
//           [ version         | kind ]          untouched -> touched -> closing -> dropping -> untouched, version + 1
//                                                              ^-----------+  an insert calls it off
//
// The granule is 32 bytes where no two blocks share one and all start at multiples of 16 (the C library: its smallest
// chunk), else 8 bytes (jemalloc, mimalloc, tcmalloc).
//
// A page of entries that holds none is given back to the system (drop_empty_pages), while other threads insert: an
// insert reads the page's state before and after its store, and starts anew when it changed between.
//
// Thread-safe: entries and states are atomics; an address belongs to one thread at a time (whoever allocated it or is
// about to free it), tenuring compares and swaps beside it. No locks, no heap. Fork: private memory, the child inherits
// a copy; a page that was being dropped stays so in the child and its new blocks are counted as untracked.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engine/export.h"

namespace heapledger::engine {

struct NativeEntry {
  std::uint16_t owner = 0;  // 0: not known
  bool python = false;
};

class NativeMap {
 public:
  static constexpr unsigned kLeafShift = 28;
  static constexpr std::size_t kTopEntries = std::size_t{1} << (48 - kLeafShift);
  static constexpr std::uint32_t kLeavesAtMost = 4096;  // 1 TiB of heap

  // 5 or 3. Before the first insert only; 0: no native block is known here.
  void set_granule_shift(unsigned shift) noexcept { granule_shift_ = shift; }
  unsigned granule_shift() const noexcept { return granule_shift_; }

  enum class Inserted : std::uint8_t { kYes, kNoRoom, kReplaced };
  // kReplaced: a block of `before` was known here, whose free nobody reported. kNoRoom: the block stays unknown.
  HL_EXPORT Inserted insert(std::uintptr_t address, NativeEntry entry, NativeEntry& before) noexcept;
  // The block that starts here, which is forgotten; owner 0 when none is known.
  HL_EXPORT NativeEntry remove(std::uintptr_t address) noexcept;
  HL_EXPORT NativeEntry find(std::uintptr_t address) const noexcept;
  // Set a known block's owner or mark; false when it is not known any more.
  HL_EXPORT bool exchange_owner(std::uintptr_t address, std::uint16_t owner, NativeEntry& before) noexcept;
  // A MEM or OBJ hook returns this block. The entry as it was; owner 0 when it is not known.
  HL_EXPORT NativeEntry mark_python(std::uintptr_t address) noexcept;

  // visit(context, address, entry); the visitor may compare-and-swap the owner of what it sees.
  using Visit = void (*)(void* context, std::uintptr_t address, std::atomic<std::uint16_t>& entry);
  static constexpr std::uint64_t kEnd = ~std::uint64_t{0};
  // From `cursor` on: at most `limit` entries of touched pages (and 4,096 pages) are looked at.
  std::uint64_t walk(std::uint64_t cursor, std::uint64_t limit, Visit visit, void* context) noexcept;
  HL_EXPORT void for_each(Visit visit, void* context) noexcept;

  // Give pages without an entry back to the system: at most `limit` touched pages are looked at from page number
  // `cursor` on. Returns the next cursor or kEnd. One thread at a time.
  HL_EXPORT std::uint64_t drop_empty_pages(std::uint64_t cursor, std::uint64_t limit) noexcept;

  static NativeEntry unpack(std::uint16_t entry) noexcept {
    return {static_cast<std::uint16_t>(entry & kOwnerMask), (entry & kPythonBit) != 0};
  }
  static std::uint16_t with_owner(std::uint16_t entry, std::uint16_t owner) noexcept {
    return static_cast<std::uint16_t>((entry & ~kOwnerMask) | owner);
  }

  void close() noexcept { closed_.store(true, std::memory_order_relaxed); }
  bool is_open() const noexcept { return granule_shift_ != 0 && !closed_.load(std::memory_order_relaxed); }
  std::uint64_t touched_pages() const noexcept { return touched_pages_.load(std::memory_order_relaxed); }
  std::size_t resident_bytes() const noexcept;

 private:
  static constexpr std::uint16_t kOwnerMask = 0x1FFF;
  static constexpr std::uint16_t kHalfBit = 0x2000;
  static constexpr std::uint16_t kPythonBit = 0x4000;
  static constexpr std::size_t kEntriesPerPage = 4096 / sizeof(std::uint16_t);

  using Entry = std::atomic<std::uint16_t>;
  using PageState = std::atomic<std::uint32_t>;
  struct Place {
    Entry* entry = nullptr;
    PageState* state = nullptr;
  };

  std::size_t leaf_entries() const noexcept { return std::size_t{1} << (kLeafShift - granule_shift_); }
  std::size_t leaf_pages() const noexcept { return leaf_entries() / kEntriesPerPage; }
  std::size_t leaf_bytes() const noexcept { return leaf_entries() * sizeof(Entry) + leaf_pages() * sizeof(PageState); }
  PageState* states_of(char* leaf) const noexcept {
    return reinterpret_cast<PageState*>(leaf + leaf_entries() * sizeof(Entry));
  }
  std::uint16_t half_of(std::uintptr_t address) const noexcept {
    return granule_shift_ == 5 && (address & 16) != 0 ? kHalfBit : std::uint16_t{0};
  }
  bool is_aligned(std::uintptr_t address) const noexcept {
    return (address & (granule_shift_ == 5 ? 15U : 7U)) == 0 && address >> 48 == 0;
  }
  char* leaf_of(std::uintptr_t address) const noexcept {
    return top_[address >> kLeafShift].load(std::memory_order_acquire);  // release in make_leaf
  }
  Place place_in(char* leaf, std::uintptr_t address) const noexcept;
  // The entry of this very block, nullptr when none is known.
  Entry* known_entry(std::uintptr_t address) const noexcept;
  HL_NOINLINE char* make_leaf(std::uintptr_t address) noexcept;
  std::uint32_t leaf_count() const noexcept;
  // The n-th leaf and the address its entries begin with; nullptr while another thread is just making it.
  char* leaf_number(std::uint64_t n, std::uintptr_t& base) const noexcept;
  HL_NOINLINE bool insert_slowly(Place place, std::uint16_t packed) noexcept;
  bool is_touched(char* leaf, std::size_t page) const noexcept;
  void visit_entries(char* leaf, std::uintptr_t base, std::size_t first, std::size_t stop, Visit visit,
                     void* context) const noexcept;
  bool drop_if_empty(char* leaf, std::size_t page) noexcept;

  unsigned granule_shift_;
  std::atomic<bool> closed_;
  std::atomic<std::uint64_t> touched_pages_;
  std::atomic<char*> top_[kTopEntries];
  // Which entries of top_ are set, in the order they came: walks look at nothing else. 0: not stored yet.
  std::atomic<std::uint32_t> leaf_count_;
  std::atomic<std::uint32_t> leaf_tops_[kLeavesAtMost];  // index in top_, plus one
};

}  // namespace heapledger::engine
