#include "cpython/native_hooks.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "cpython/block_books.h"
#include "cpython/block_sampling.h"
#include "cpython/mapped_chunk.h"
#include "hooks/preload.h"

namespace heapledger::cpython {
namespace {

using engine::Bank;
using engine::NativeAllocator;
using engine::Release;
using hooks::Interposed;
using hooks::Resizing;

constexpr std::uint64_t kPython = 1U << 17;
constexpr std::uint64_t kMapped = 1U << 18;

bool g_seen = false;           // an ordinary malloc reaches the books
bool g_raw_seen = false;       // PyMem_RawMalloc does
bool g_mapped_bit = false;     // the second flag bit of a chunk says "mapped by itself"
std::uintptr_t g_shift_bytes;  // what debug allocators put in front of a block

std::uintptr_t address_of(const void* block) noexcept { return reinterpret_cast<std::uintptr_t>(block); }

void book(Engine& e, void* block) noexcept {
  PyThreadState* state = gil_holder();
  std::uint16_t owner = state != nullptr ? owner_now(e, state) : last_owner(e);
  if (owner == 0) owner = ledger::kOwnerService;
  const OwnerId id{owner};
  const std::size_t bytes = engine::book_native(e, block, id, state != nullptr ? Bank::kGil : Bank::kOffGil);
  if (HL_UNLIKELY(bytes == 0)) return;
  if (HL_LIKELY(t_owner.python_calls == 0)) engine::fold_native_peak(e, id);
  if (HL_UNLIKELY(is_due(e, bytes, state != nullptr))) sample_block(block, bytes, owner, state);
}

void allocated(void* block) noexcept {
  Engine& e = books();
  if (e.natives.is_open()) book(e, block);
}

void zeroed(void* block, std::size_t count, std::size_t each) noexcept {
  Engine& e = books();
  if (!e.natives.is_open()) return;
  if (HL_UNLIKELY(is_allocators_own(count, each))) {
    engine::book_native(e, block, OwnerId{ledger::kOwnerService}, Bank::kOffGil);
  } else {
    book(e, block);
  }
}

void debit(Engine& e, std::uint16_t owner, std::size_t bytes) noexcept {
  PyThreadState* state = gil_holder();
  if (state == nullptr) {
    engine::debit_off_gil(e, OwnerId{owner}, bytes);
    return;
  }
  if (owner != e.current.owner || !is_current(e.current, state)) note_foreign_free(e, owner, bytes);
  engine::debit(e, OwnerId{owner}, bytes);
}

bool released(void* block) noexcept {
  Engine& e = books();
  // A thread state goes back through here: its address may be the next one's, so the answer kept for it goes too.
  if (HL_UNLIKELY(block == __atomic_load_n(&e.current.thread, __ATOMIC_RELAXED))) engine::forget_current(e);
  const Release release = engine::release_native(e, block);
  if (release.owner != 0) debit(e, release.owner, release.bytes);
  return release.held;
}

Resizing resizing(void* block) noexcept {
  Engine& e = books();
  const Release release = engine::release_native_to_resize(e, block);
  if (release.held) return {Resizing::kHeld, release.bytes};
  std::uint64_t known = release.owner;
  if (release.python) known |= kPython;
  if (g_mapped_bit && has_mapped_bit(block)) known |= kMapped;
  return {known, release.bytes};
}

// The moment when both blocks exist counts towards the peak, except where the kernel moved the pages: there it never
// is.
void resized(Resizing before, void* block, void* after, std::size_t bytes) noexcept {
  Engine& e = books();
  const auto owner = static_cast<std::uint16_t>(before.known);
  if (after == nullptr) {
    const Release was{owner, false, (before.known & kPython) != 0, before.bytes};
    if (owner == 0) return;
    if (bytes != 0) return engine::restore_native(e, block, was);
    debit(e, owner, before.bytes);  // realloc(block, 0) freed it
    return;
  }
  const bool at_once = after == block || (before.known & kMapped) != 0;
  if (at_once && owner != 0) debit(e, owner, before.bytes);
  if (e.natives.is_open()) book(e, after);
  if (!at_once && owner != 0) debit(e, owner, before.bytes);
}

constexpr hooks::Sink kSink{allocated, zeroed, released, resizing, resized};

// 32-byte granules need blocks that start at multiples of 16, none of them in a granule of another's.
unsigned granule_shift_of(const Interposed& next) noexcept {
  constexpr std::size_t kSizes[] = {1, 8, 16, 24, 25, 40};
  constexpr std::size_t kBlocks = 192;
  void* blocks[kBlocks];
  bool wide = true;
  for (std::size_t i = 0; i < kBlocks; ++i) {
    blocks[i] = next.malloc(kSizes[i / 4 % std::size(kSizes)]);
    wide = wide && address_of(blocks[i]) % 16 == 0;
    for (std::size_t j = 0; j < i && wide; ++j) wide = address_of(blocks[i]) / 32 != address_of(blocks[j]) / 32;
  }
  for (void* block : blocks) next.free(block);
  return wide ? 5 : 3;
}

const char* file_name(const char* path) noexcept {
  const char* slash = strrchr(path, '/');
  return slash == nullptr ? path : slash + 1;
}

// How far in front of what a domain returned its native block starts; false: it is no native block.
bool find_shift(void* (*allocate)(std::size_t), void (*release)(void*), std::uintptr_t& shift_bytes) noexcept {
  constexpr std::size_t kLargeBytes = 1000;
  constexpr std::uintptr_t kLargestShift = 64;
  void* block = allocate(kLargeBytes);
  if (block == nullptr) return false;
  bool found = false;
  for (std::uintptr_t shift = 0; shift <= kLargestShift && !found; shift += 8) {
    found = books().natives.find(address_of(block) - shift).owner != 0;
    if (found) shift_bytes = shift;
  }
  release(block);
  return found;
}

}  // namespace

NativeFound find_native() noexcept {
  NativeFound found;
  const auto attach = reinterpret_cast<hooks::AttachFunction>(dlsym(RTLD_DEFAULT, hooks::kAttachSymbol));
  const Interposed* next = attach == nullptr ? nullptr : attach(hooks::kSeamVersion, &kSink);
  if (next == nullptr) return found;
  found.allocator = {next->usable_bytes, next->free, next->is_libc != 0};
  found.granule_shift = granule_shift_of(*next);
  g_mapped_bit = next->is_libc != 0 && mapped_bit_is_glibcs(next->malloc, next->free);
  snprintf(found.name, sizeof(found.name), "%.32s, %u-byte granules", file_name(next->provider),
           1U << found.granule_shift);
  return found;
}

void probe_native() noexcept {
  void* (*volatile allocate)(std::size_t) = malloc;  // a pair of malloc and free in sight is left out by the compiler
  void (*volatile release)(void*) = free;
  std::uintptr_t none = 0;
  g_seen = find_shift(allocate, release, none) && none == 0;
  if (!g_seen) return;
  g_raw_seen = find_shift(PyMem_RawMalloc, PyMem_RawFree, g_shift_bytes);
  if (!find_shift(PyMem_Malloc, PyMem_Free, g_shift_bytes)) find_shift(PyObject_Malloc, PyObject_Free, g_shift_bytes);
}

bool native_is_seen() noexcept { return g_seen; }
bool raw_is_native() noexcept { return g_raw_seen; }

bool claim_for_python(const void* block) noexcept {
  if (!g_seen || block == nullptr) return false;
  return engine::mark_python(books(), static_cast<const char*>(block) - g_shift_bytes);
}

}  // namespace heapledger::cpython
