// Who owns what the running code allocates? A Request token in one ContextVar, resolved when the key changes:
//   key = (thread state, its id, its context version); our own set and reset forget the cached answer.
// A thread state pointer that was cached is compared, never dereferenced: states are recycled addresses.
//
// The running owner, first match:  foreign interpreter -> service (up to 3.11) or not counted (3.12 and later)
//                                  an import runs on this thread -> that module's import owner
//                                  the ContextVar holds a Request -> its owner, or the endpoint's tenured one if it is
//                                  over else -> service
// Called with the GIL held, from allocation hooks: no allocation, no exception touched. Not while our own set or reset
// runs (a lookup inside ContextVar.reset refills its borrowed cache): then the thread's last owner serves.
#pragma once

#include "cpython/compat.h"
#include "engine/books.h"
#include "engine/scopes.h"

namespace heapledger::cpython {

using base::OwnerId;
using engine::CurrentOwner;
using engine::Engine;

// A thread's own part. Trivially destructible and small: it lives in glibc's static TLS surplus.
struct ThreadOwner {
  std::uint64_t thread_id;          // key for which `owner` was resolved, so that a free need not ask again
  std::uint64_t context_version;    // kNoVersion: our own set, reset or import has changed the answer since
  std::uint32_t generation;         // of `owner`, so that a recycled slot is recognised
  std::uint16_t owner;              // as last resolved by this thread; for its allocations without the GIL
  std::uint16_t import_owner;       // 0: no import runs on this thread
  std::uint8_t context_changes;     // our own set or reset is running
  std::uint8_t nested;              // inside a whole-block hook: inner RAW calls are its business
  std::uint8_t arena_fresh;         // an arena was just mapped: the allocator's own tables follow
  std::uint8_t python_calls;        // inside a MEM or OBJ hook that may return a native block
  std::uint8_t sampling;            // the countdown was drawn
  std::uint64_t sample_room_bytes;  // without the GIL: until the next sample (engine/sampler.h)
};
inline constexpr std::uint64_t kNoVersion = ~std::uint64_t{0};
extern thread_local ThreadOwner t_owner __attribute__((tls_model("initial-exec")));

inline CurrentOwner key_of(const PyThreadState* state) noexcept {
  return {state, state->id, state->context_ver, nullptr, 0};
}

// False for nullptr too: the remembered thread is never that.
inline bool is_current(const CurrentOwner& known, const PyThreadState* state) noexcept {
  return known.thread == state && known.thread_id == state->id && known.context_version == state->context_ver;
}

// The same without the id, under the pools rule: a thread state's memory goes back through our RAW hook, which then
// forgets it (alloc_hooks.cc), so that the address alone names a thread.
inline bool is_quickly_current(const CurrentOwner& known, const PyThreadState* state) noexcept {
  return __atomic_load_n(&known.thread, __ATOMIC_RELAXED) == state && known.context_version == state->context_ver;
}

// Ask the interpreter; remembers the answer. 0: not to be counted.
std::uint16_t resolve_owner(Engine& e, PyThreadState* state) noexcept;

inline std::uint16_t owner_now(Engine& e, PyThreadState* state) noexcept {
  if (HL_LIKELY(is_current(e.current, state))) return e.current.owner;
  return resolve_owner(e, state);
}

// The owner if it can be told from what this thread resolved last, else 0. For a free: it may run in the middle of
// Context.run's exit, when the variable's cache names a value that is being destroyed.
std::uint16_t owner_without_asking(Engine& e, const PyThreadState* state) noexcept;

// The owner for a thread without the GIL: its last one if that lives, else the service.
std::uint16_t last_owner(Engine& e) noexcept;

// The ContextVar; made once, under the GIL. False: exception set.
bool make_owner_variable() noexcept;
PyObject* owner_variable() noexcept;
// This interpreter's thread states are ours.
bool in_main_interpreter(const PyThreadState* state) noexcept;

// The next allocation of this thread asks again.
inline void forget_answer(Engine& e) noexcept {
  t_owner.context_version = kNoVersion;
  engine::forget_current(e);
}

// Marks our own ContextVar.set and reset; the cached answer is forgotten at both ends.
class ContextChange {
 public:
  explicit ContextChange(Engine& e) noexcept : engine_(e) { ++t_owner.context_changes; }
  ~ContextChange() {
    --t_owner.context_changes;
    forget_answer(engine_);
  }
  ContextChange(const ContextChange&) = delete;
  ContextChange& operator=(const ContextChange&) = delete;

 private:
  Engine& engine_;
};

}  // namespace heapledger::cpython
