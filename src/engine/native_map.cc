#include "engine/native_map.h"

#include <errno.h>
#include <sys/mman.h>

#include <algorithm>

#include "engine/pages.h"

namespace heapledger::engine {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
// Store of an entry and load of a state, on either side: each side must see the other's store or its own come first.
constexpr auto kOrdered = std::memory_order_seq_cst;

constexpr std::uint32_t kKindMask = 3;
constexpr std::uint32_t kUntouched = 0;
constexpr std::uint32_t kTouched = 1;
constexpr std::uint32_t kClosing = 2;
constexpr std::uint32_t kDropping = 3;

constexpr std::uint32_t with_kind(std::uint32_t state, std::uint32_t kind) noexcept {
  return (state & ~kKindMask) | kind;
}
constexpr std::uint32_t next_version(std::uint32_t state, std::uint32_t kind) noexcept {
  return with_kind(state, kind) + (kKindMask + 1);
}

}  // namespace

NativeMap::Place NativeMap::place_in(char* leaf, std::uintptr_t address) const noexcept {
  const std::size_t index = (address >> granule_shift_) & (leaf_entries() - 1);
  return {reinterpret_cast<Entry*>(leaf) + index, states_of(leaf) + index / kEntriesPerPage};
}

char* NativeMap::make_leaf(std::uintptr_t address) noexcept {
  if (leaf_count_.load(kRelaxed) >= kLeavesAtMost) return nullptr;
  const std::size_t top = address >> kLeafShift;
  const int error = errno;
  auto* fresh = static_cast<char*>(map_pages(leaf_bytes()));
  errno = error;
  if (fresh == nullptr) return nullptr;
  char* expected = nullptr;
  if (!top_[top].compare_exchange_strong(expected, fresh, std::memory_order_release, std::memory_order_acquire)) {
    munmap(fresh, leaf_bytes());  // another thread was first
    return expected;
  }
  const std::uint32_t number = leaf_count_.fetch_add(1, kRelaxed);
  // Release: acquire in leaf_number. Beyond the limit by as many threads as came here at once: never walked.
  if (number < kLeavesAtMost) leaf_tops_[number].store(static_cast<std::uint32_t>(top) + 1, std::memory_order_release);
  return fresh;
}

std::uint32_t NativeMap::leaf_count() const noexcept { return std::min(leaf_count_.load(kRelaxed), kLeavesAtMost); }

char* NativeMap::leaf_number(std::uint64_t n, std::uintptr_t& base) const noexcept {
  const std::uint32_t top = leaf_tops_[n].load(std::memory_order_acquire);
  if (top == 0) return nullptr;
  base = static_cast<std::uintptr_t>(top - 1) << kLeafShift;
  return top_[top - 1].load(std::memory_order_acquire);
}

NativeMap::Inserted NativeMap::insert(std::uintptr_t address, NativeEntry entry, NativeEntry& before) noexcept {
  if (HL_UNLIKELY(!is_aligned(address))) return Inserted::kNoRoom;
  char* leaf = leaf_of(address);
  if (HL_UNLIKELY(leaf == nullptr)) leaf = make_leaf(address);
  if (HL_UNLIKELY(leaf == nullptr)) return Inserted::kNoRoom;
  const Place place = place_in(leaf, address);
  const auto packed =
      static_cast<std::uint16_t>(entry.owner | half_of(address) | (entry.python ? kPythonBit : std::uint16_t{0}));
  const std::uint32_t state = place.state->load(std::memory_order_acquire);
  const std::uint16_t old = place.entry->exchange(packed, kOrdered);
  const bool undisturbed = (state & kKindMask) == kTouched && place.state->load(kOrdered) == state;
  if (HL_UNLIKELY(!undisturbed) && !insert_slowly(place, packed)) return Inserted::kNoRoom;
  if (HL_LIKELY((old & kOwnerMask) == 0)) return Inserted::kYes;
  before = unpack(old);
  return Inserted::kReplaced;
}

// A state changes a few times in a page's life, so few rounds are enough; who finds it changing all the time gives up.
bool NativeMap::insert_slowly(Place place, std::uint16_t packed) noexcept {
  constexpr int kRounds = 64;
  for (int round = 0; round < kRounds; ++round) {
    std::uint32_t state = place.state->load(std::memory_order_acquire);
    const std::uint32_t kind = state & kKindMask;
    if (kind == kDropping) continue;
    if (kind != kTouched) {
      const bool first = kind == kUntouched;
      const std::uint32_t touched = first ? with_kind(state, kTouched) : next_version(state, kTouched);
      if (place.state->compare_exchange_strong(state, touched, kOrdered) && first) {
        touched_pages_.fetch_add(1, kRelaxed);
      }
      continue;
    }
    place.entry->store(packed, kOrdered);
    if (place.state->load(kOrdered) == state) return true;
  }
  place.entry->store(0, kRelaxed);
  return false;
}

NativeMap::Entry* NativeMap::known_entry(std::uintptr_t address) const noexcept {
  if (HL_UNLIKELY(!is_aligned(address))) return nullptr;
  char* leaf = leaf_of(address);
  if (leaf == nullptr) return nullptr;
  Entry* entry = place_in(leaf, address).entry;
  const std::uint16_t seen = entry->load(kRelaxed);
  return (seen & kOwnerMask) != 0 && (seen & kHalfBit) == half_of(address) ? entry : nullptr;
}

NativeEntry NativeMap::remove(std::uintptr_t address) noexcept {
  Entry* entry = known_entry(address);
  if (entry == nullptr) return {};
  return unpack(entry->exchange(0, kOrdered));  // not what was seen: tenuring may have changed the owner
}

NativeEntry NativeMap::find(std::uintptr_t address) const noexcept {
  const Entry* entry = known_entry(address);
  return entry == nullptr ? NativeEntry{} : unpack(entry->load(kRelaxed));
}

bool NativeMap::exchange_owner(std::uintptr_t address, std::uint16_t owner, NativeEntry& before) noexcept {
  Entry* entry = known_entry(address);
  if (entry == nullptr) return false;
  std::uint16_t seen = entry->load(kRelaxed);
  while ((seen & kOwnerMask) != 0) {
    if (!entry->compare_exchange_weak(seen, with_owner(seen, owner), kRelaxed)) continue;
    before = unpack(seen);
    return true;
  }
  return false;
}

NativeEntry NativeMap::mark_python(std::uintptr_t address) noexcept {
  Entry* entry = known_entry(address);
  if (entry == nullptr) return {};
  return unpack(entry->fetch_or(kPythonBit, kRelaxed));
}

std::uint64_t NativeMap::walk(std::uint64_t cursor, std::uint64_t limit, Visit visit, void* context) noexcept {
  if (granule_shift_ == 0) return kEnd;
  constexpr std::uint64_t kPagesAtMost = 4096;
  for (std::uint64_t pages = 0; cursor < leaf_count() * leaf_entries();) {
    const std::uint64_t index = cursor & (leaf_entries() - 1);
    std::uintptr_t base = 0;
    char* leaf = leaf_number(cursor / leaf_entries(), base);
    const std::uint64_t page_end = (index / kEntriesPerPage + 1) * kEntriesPerPage;
    if (leaf == nullptr) {
      cursor += leaf_entries() - index;
    } else if (!is_touched(leaf, index / kEntriesPerPage)) {
      cursor += page_end - index;
    } else {
      if (limit == 0 || pages++ == kPagesAtMost) return cursor;
      const std::uint64_t stop = std::min(page_end, index + std::min(limit, page_end));
      visit_entries(leaf, base, index, stop, visit, context);
      limit -= stop - index;
      cursor += stop - index;
    }
  }
  return kEnd;
}

bool NativeMap::is_touched(char* leaf, std::size_t page) const noexcept {
  return (states_of(leaf)[page].load(std::memory_order_acquire) & kKindMask) != kUntouched;
}

void NativeMap::visit_entries(char* leaf, std::uintptr_t base, std::size_t first, std::size_t stop, Visit visit,
                              void* context) const noexcept {
  for (std::size_t i = first; i < stop; ++i) {
    Entry& entry = reinterpret_cast<Entry*>(leaf)[i];
    const std::uint16_t seen = entry.load(kOrdered);
    if ((seen & kOwnerMask) == 0) continue;
    visit(context, base + (i << granule_shift_) + ((seen & kHalfBit) != 0 ? 16U : 0U), entry);
  }
}

void NativeMap::for_each(Visit visit, void* context) noexcept {
  std::uint64_t cursor = 0;
  while (cursor != kEnd) cursor = walk(cursor, ~std::uint64_t{0}, visit, context);
}

bool NativeMap::drop_if_empty(char* leaf, std::size_t page) noexcept {
  PageState& state = states_of(leaf)[page];
  std::uint32_t seen = state.load(std::memory_order_acquire);
  if ((seen & kKindMask) != kTouched) return false;
  auto* entries = reinterpret_cast<Entry*>(leaf) + page * kEntriesPerPage;
  const auto empty = [entries] {
    for (std::size_t i = 0; i < kEntriesPerPage; ++i) {
      if (entries[i].load(kOrdered) != 0) return false;
    }
    return true;
  };
  if (!empty()) return false;
  std::uint32_t closing = with_kind(seen, kClosing);
  if (!state.compare_exchange_strong(seen, closing, kOrdered)) return false;
  const bool still_empty = empty();
  const std::uint32_t then = still_empty ? with_kind(closing, kDropping) : next_version(closing, kTouched);
  if (!state.compare_exchange_strong(closing, then, kOrdered) || !still_empty) return false;
  drop_pages(entries, kEntriesPerPage * sizeof(Entry));
  state.store(next_version(then, kUntouched), kOrdered);
  touched_pages_.fetch_sub(1, kRelaxed);
  return true;
}

std::uint64_t NativeMap::drop_empty_pages(std::uint64_t cursor, std::uint64_t limit) noexcept {
  if (granule_shift_ == 0) return kEnd;
  while (cursor < leaf_count() * leaf_pages()) {
    const std::uint64_t page = cursor & (leaf_pages() - 1);
    std::uintptr_t base = 0;
    char* leaf = leaf_number(cursor / leaf_pages(), base);
    if (leaf == nullptr) {
      cursor += leaf_pages() - page;
      continue;
    }
    if (is_touched(leaf, page)) {
      if (limit-- == 0) return cursor;
      drop_if_empty(leaf, page);
    }
    ++cursor;
  }
  return kEnd;
}

std::size_t NativeMap::resident_bytes() const noexcept {
  if (granule_shift_ == 0) return 0;
  std::size_t bytes = 0;
  for (std::uint32_t n = 0; n < leaf_count(); ++n) {
    std::uintptr_t base = 0;
    const char* leaf = leaf_number(n, base);
    if (leaf != nullptr) bytes += resident_bytes_of(leaf, leaf_bytes());
  }
  return bytes;
}

}  // namespace heapledger::engine
