#include "cpython/alloc_hooks.h"

#include <malloc.h>

#include "cpython/block_books.h"
#include "cpython/mapped_chunk.h"
#include "cpython/native_hooks.h"
#include "engine/addresses.h"
#include "engine/size_class.h"

namespace heapledger::cpython {
namespace {

using engine::Block;
using engine::kSmallLimitBytes;

constexpr std::size_t kArenaBytes = std::size_t{1} << 20;

// The allocators below ours. Static, so that a hook reaches them without its context argument.
PyMemAllocatorEx g_raw;
PyMemAllocatorEx g_mem;
PyMemAllocatorEx g_obj;
PyObjectArenaAllocator g_arena;
bool g_installed = false;
bool g_glibc_mapped_bit = false;  // RAW blocks are glibc chunks whose second flag bit says "mapped by itself"

std::uintptr_t address_of(const void* block) noexcept { return reinterpret_cast<std::uintptr_t>(block); }
bool is_small(std::size_t bytes) noexcept { return bytes - 1 < kSmallLimitBytes; }

// ---- pools rule: the hooked path ----

// One expression a line where it counts: some 50 instructions for a malloc, 32 for a free.
inline __attribute__((always_inline)) void* book_small(void* block, std::size_t block_bytes) noexcept {
  Engine& e = books();
  const PyThreadState* state = quick_thread_state();
  if (HL_UNLIKELY(!is_quickly_current(e.current, state))) return book_small_slow(block, block_bytes);
  engine::PoolRecord* pool = e.pools.find(address_of(block));  // none for a null block
  if (HL_UNLIKELY(pool == nullptr || pool->block_bytes != block_bytes)) return book_small_slow(block, block_bytes);
  pool->owner_of(address_of(block)) = e.current.owner;
  if (HL_UNLIKELY(engine::credit_window(*e.current.bank, block_bytes))) return fold_credit(block, block_bytes);
  if (HL_UNLIKELY(engine::count_down(e.sampler.room_bytes, block_bytes))) return sample_small(block);
  return block;
}

// What pymalloc passes on to RAW: booked there or by the interposer, which has to be told that it is Python's.
template <PyMemAllocatorEx* kInner>
HL_NOINLINE void* large_malloc(std::size_t bytes) noexcept {
  const PythonCall call;
  void* block = kInner->malloc(kInner->ctx, bytes);
  claim_for_python(block);
  return block;
}

template <PyMemAllocatorEx* kInner>
HL_NOINLINE void* large_calloc(std::size_t count, std::size_t each) noexcept {
  const PythonCall call;
  void* block = kInner->calloc(kInner->ctx, count, each);
  claim_for_python(block);
  return block;
}

template <PyMemAllocatorEx* kInner>
void* pool_malloc(void*, std::size_t bytes) {
  if (HL_UNLIKELY(!is_small(bytes))) return large_malloc<kInner>(bytes);
  return book_small(kInner->malloc(kInner->ctx, bytes), engine::block_bytes_for(bytes));
}

template <PyMemAllocatorEx* kInner>
void* pool_calloc(void*, std::size_t count, std::size_t each) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, each, &bytes) || !is_small(bytes)) return large_calloc<kInner>(count, each);
  return book_small(kInner->calloc(kInner->ctx, count, each), engine::block_bytes_for(bytes));
}

template <PyMemAllocatorEx* kInner>
void pool_free(void*, void* block) {
  Engine& e = books();
  engine::PoolRecord* pool = e.pools.find(address_of(block));
  if (pool != nullptr) {
    std::uint16_t& place = pool->owner_of(address_of(block));
    if (HL_UNLIKELY(place != e.current.owner)) return free_elsewhere(*kInner, block, *pool);
    place = 0;
    const std::size_t block_bytes = pool->block_bytes;
    if (HL_UNLIKELY(engine::debit_window(*e.current.bank, block_bytes))) return fold_free(*kInner, block, block_bytes);
  }
  kInner->free(kInner->ctx, block);
}

// Realloc of a block that is not in a pool we know: RAW's hook or the interposer does all, except for a block from
// before our time that moves from its pool to one of ours.
void book_unknown_resized(void* old_block, void* block, std::size_t bytes) noexcept {
  if (block == nullptr || claim_for_python(block) || block == old_block || !is_small(bytes)) return;
  if (books().words.find(address_of(block)).owner != 0) return;
  book_small(block, engine::block_bytes_for(bytes));
}

template <PyMemAllocatorEx* kInner>
HL_NOINLINE void* large_realloc(void* old_block, std::size_t bytes) noexcept {
  const PythonCall call;
  void* block = kInner->realloc(kInner->ctx, old_block, bytes);
  book_unknown_resized(old_block, block, bytes);
  return block;
}

template <PyMemAllocatorEx* kInner>
void* pool_realloc(void* context, void* old_block, std::size_t bytes) {
  if (old_block == nullptr) return pool_malloc<kInner>(context, bytes);
  Engine& e = books();
  engine::PoolRecord* pool = e.pools.find(address_of(old_block));
  if (pool == nullptr) return large_realloc<kInner>(old_block, bytes);
  const std::size_t old_bytes = pool->block_bytes;
  std::uint16_t& place = pool->owner_of(address_of(old_block));
  const std::uint16_t marked = place;
  const std::uint16_t old_owner = marked & engine::kOwnerMask;
  place = 0;
  void* block =
      is_small(bytes) ? kInner->realloc(kInner->ctx, old_block, bytes) : large_realloc<kInner>(old_block, bytes);
  if (block == nullptr) {
    place = marked;
    return nullptr;
  }
  if (HL_UNLIKELY(old_owner != marked)) engine::drop_sample(e, address_of(old_block));
  const bool moved = block != old_block;
  // Only where the block moved did both exist at one moment; then the new one is booked first.
  if (moved && is_small(bytes)) book_small(block, engine::block_bytes_for(bytes));
  if (old_owner != 0) {
    const bool left = engine::debit_window(e.ledger.hot[old_owner], old_bytes);
    if (left || old_owner != e.current.owner) finish_debit(old_owner, old_bytes);
  }
  if (!moved) book_small(block, old_bytes);  // an in-place shrink keeps the block that pymalloc keeps
  return block;
}

// ---- RAW, under both rules; may run without the GIL ----

void* raw_malloc(void*, std::size_t bytes) {
  void* block = g_raw.malloc(g_raw.ctx, bytes);
  if (block != nullptr && t_owner.nested == 0) book_word(block, bytes);
  return block;
}

void* raw_calloc(void*, std::size_t count, std::size_t each) {
  void* block = g_raw.calloc(g_raw.ctx, count, each);
  if (block == nullptr || t_owner.nested != 0) return block;
  if (is_allocators_own(count, each)) {
    Engine& e = books();
    if (!e.frozen && e.words.insert(address_of(block), {ledger::kOwnerService, each})) {
      engine::credit_off_gil(e, OwnerId{ledger::kOwnerService}, each);
    }
    return block;
  }
  book_word(block, count * each);
  return block;
}

void raw_free(void*, void* block) {
  // A thread state goes back through here: its address may be the next one's, so the answer kept for it goes too.
  if (HL_UNLIKELY(block == books().current.thread)) engine::forget_current(books());
  if (block != nullptr && t_owner.nested == 0) unbook_word(block);
  g_raw.free(g_raw.ctx, block);
}

void rebook_word(void* old_block, void* block, std::size_t bytes, Block known, bool grew_in_place) noexcept {
  if (old_block == block || grew_in_place) {
    debit_word(known);
    book_word(block, bytes);
  } else {
    book_word(block, bytes);
    debit_word(known);
  }
}

void* raw_realloc(void* context, void* old_block, std::size_t bytes) {
  if (old_block == nullptr) return raw_malloc(context, bytes);
  if (t_owner.nested != 0) return g_raw.realloc(g_raw.ctx, old_block, bytes);
  const bool mapped = g_glibc_mapped_bit && has_mapped_bit(old_block);
  const Block known = forget_word(old_block);
  void* block = g_raw.realloc(g_raw.ctx, old_block, bytes);
  if (block == nullptr) {
    remember_word(old_block, known);
    return nullptr;
  }
  rebook_word(old_block, block, bytes, known, mapped);
  return block;
}

// ---- whole rule: MEM and OBJ book every block themselves ----

class Nested {
 public:
  Nested() noexcept { ++t_owner.nested; }
  ~Nested() { --t_owner.nested; }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;

 private:
  PythonCall call_;
};

// Counted once: what the interposer has booked needs a mark, no books.
void book_whole(void* block, std::size_t bytes) noexcept {
  if (block == nullptr || t_owner.nested != 0) return;
  if (!claim_for_python(block)) book_word(block, bytes);
}

template <PyMemAllocatorEx* kInner>
void* whole_malloc(void*, std::size_t bytes) {
  void* block = nullptr;
  {
    const Nested guard;
    block = kInner->malloc(kInner->ctx, bytes);
  }
  book_whole(block, bytes);
  return block;
}

template <PyMemAllocatorEx* kInner>
void* whole_calloc(void*, std::size_t count, std::size_t each) {
  void* block = nullptr;
  {
    const Nested guard;
    block = kInner->calloc(kInner->ctx, count, each);
  }
  book_whole(block, count * each);
  return block;
}

template <PyMemAllocatorEx* kInner>
void whole_free(void*, void* block) {
  if (block != nullptr && t_owner.nested == 0) unbook_word(block);
  const Nested guard;
  kInner->free(kInner->ctx, block);
}

template <PyMemAllocatorEx* kInner>
void* whole_realloc(void* context, void* old_block, std::size_t bytes) {
  if (old_block == nullptr) return whole_malloc<kInner>(context, bytes);
  const bool mine = t_owner.nested == 0;
  const Block known = mine ? forget_word(old_block) : Block{};
  void* block = nullptr;
  {
    const Nested guard;
    block = kInner->realloc(kInner->ctx, old_block, bytes);
  }
  if (!mine) return block;
  if (block == nullptr) {
    remember_word(old_block, known);
  } else if (claim_for_python(block)) {
    debit_word(known);
  } else {
    rebook_word(old_block, block, bytes, known, false);
  }
  return block;
}

// ---- arenas ----

void* arena_alloc(void*, std::size_t bytes) {
  void* arena = g_arena.alloc(g_arena.ctx, bytes);
  if (arena != nullptr && bytes == kArenaBytes) {
    books().arena_bytes += bytes;
    engine::arena_came(books(), address_of(arena));
    t_owner.arena_fresh = 1;
  }
  return arena;
}

void arena_free(void*, void* arena, std::size_t bytes) {
  Engine& e = books();
  if (bytes == kArenaBytes && !e.frozen) {
    e.pools.clear(address_of(arena), bytes, debit_lost, &e);
    if (e.arena_bytes >= bytes) e.arena_bytes -= bytes;
    engine::arena_went(e, address_of(arena));
  }
  g_arena.free(g_arena.ctx, arena, bytes);
}

template <PyMemAllocatorEx* kInner>
PyMemAllocatorEx hooks_for(BlockRule rule) noexcept {
  if (rule == BlockRule::kPools) {
    return {&engine::engine(), pool_malloc<kInner>, pool_calloc<kInner>, pool_realloc<kInner>, pool_free<kInner>};
  }
  return {&engine::engine(), whole_malloc<kInner>, whole_calloc<kInner>, whole_realloc<kInner>, whole_free<kInner>};
}

}  // namespace

void install_hooks(const RuleFound& found) noexcept {
  if (g_installed) return;
  g_installed = true;
  find_current_thread_state();
  g_glibc_mapped_bit = !raw_is_native() && mapped_bit_is_glibcs(PyMem_RawMalloc, PyMem_RawFree);
  PyObject_GetArenaAllocator(&g_arena);
  PyMem_GetAllocator(PYMEM_DOMAIN_RAW, &g_raw);
  PyMem_GetAllocator(PYMEM_DOMAIN_MEM, &g_mem);
  PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &g_obj);
  PyMemAllocatorEx raw{&engine::engine(), raw_malloc, raw_calloc, raw_realloc, raw_free};
  PyMemAllocatorEx mem = hooks_for<&g_mem>(found.rule);
  PyMemAllocatorEx obj = hooks_for<&g_obj>(found.rule);
  if (!raw_is_native()) PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &raw);
  PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &mem);
  PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &obj);
  if (found.rule == BlockRule::kPools) {
    PyObjectArenaAllocator arena{&engine::engine(), arena_alloc, arena_free};
    PyObject_SetArenaAllocator(&arena);
  }
}

namespace {

// An allocation that reaches our hook asks who runs, once that is forgotten. The block itself says nothing: where the
// hooks are gone its place may still name an owner, because nobody saw the free of what lay there before.
bool hook_is_reached(void* (*allocate)(std::size_t), void (*release)(void*)) noexcept {
  constexpr std::size_t kProbeBytes = 40;
  constexpr int kTries = 8;  // a thread without the GIL may make us forget again at any time
  Engine& e = books();
  for (int i = 0; i < kTries; ++i) {
    engine::forget_current(e);
    void* block = allocate(kProbeBytes);
    if (block == nullptr) return true;
    const bool asked = __atomic_load_n(&e.current.thread, __ATOMIC_RELAXED) != engine::kNoThread;
    release(block);
    if (asked) return true;
  }
  return false;
}

}  // namespace

bool hooks_are_reached() noexcept {
  const PyThreadState* state = attached_thread_state();
  if (state == nullptr || !in_main_interpreter(state)) return true;  // a state that our hooks do not ask about
  const bool raw = raw_is_native() || hook_is_reached(PyMem_RawMalloc, PyMem_RawFree);  // no hook of ours there
  return raw && hook_is_reached(PyMem_Malloc, PyMem_Free) && hook_is_reached(PyObject_Malloc, PyObject_Free);
}

bool adopt_block(const void* block) noexcept {
  Engine& e = books();
  if (e.frozen) return false;
  const std::uint16_t to = owner_now(e, current_thread_state());
  if (to == 0 || engine::record(e, OwnerId{to}).kind != ledger::OwnerKind::kRequest) return false;
  engine::PoolRecord* pool = e.pools.find(address_of(block));
  Block before;
  if (pool != nullptr) {
    std::uint16_t& place = pool->owner_of(address_of(block));
    before = {static_cast<std::uint16_t>(place & engine::kOwnerMask), pool->block_bytes};
    if (before.owner != 0) place = static_cast<std::uint16_t>((place & engine::kSampledBit) | to);
  } else {
    if (engine::adopt_native(e, block, OwnerId{to})) return true;
    before = e.words.exchange_owner(address_of(block), to);
  }
  if (before.owner == 0) return false;
  if (before.owner != to) engine::move_books(e, OwnerId{before.owner}, OwnerId{to}, before.bytes);
  return true;
}

}  // namespace heapledger::cpython
