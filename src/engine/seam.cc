// The C seam on the engine: exclusion by a spin lock of its own, the running scope by thread-local storage.
#include <heapledger/heapledger.h>
#include <sched.h>

#include "engine/audit.h"
#include "engine/books.h"
#include "engine/owners.h"
#include "engine/phases.h"
#include "engine/scopes.h"
#include "engine/switch.h"
#include "engine/tenure.h"

namespace {

using namespace heapledger::engine;  // NOLINT(google-build-using-namespace): this file is the engine's other face
namespace ledger = heapledger::ledger;

// Rule 1 of engine.h for callers without a GIL. Held for some hundred instructions, never across a wait. A fork child
// may inherit it taken; the child's handler cannot know, so taking it gives up after a while and goes on unlocked:
// then a count may be wrong, but nobody hangs.
class SeamLock {
 public:
  SeamLock() noexcept {
    for (int tries = 0; taken_.exchange(true, std::memory_order_acquire); ++tries) {  // release: the destructor
      if (tries > kTriesAtMost) return;
      sched_yield();
    }
  }
  ~SeamLock() { taken_.store(false, std::memory_order_release); }
  SeamLock(const SeamLock&) = delete;
  SeamLock& operator=(const SeamLock&) = delete;

 private:
  static constexpr int kTriesAtMost = 100'000;
  static inline std::atomic<bool> taken_{false};
};

thread_local hl_scope t_scope{0, 0};

Scope inner(hl_scope scope) noexcept { return {scope.generation, static_cast<std::uint16_t>(scope.owner)}; }

Outcome inner(const hl_outcome* outcome) noexcept {
  if (outcome == nullptr) return {};
  return {outcome->status, outcome->flags, outcome->received_bytes, outcome->sent_bytes, {}, {}, {}, {}};
}

// Reported blocks are booked in the off-GIL bank: any thread may report at any time.
OwnerId running_owner(Engine& e) noexcept {
  const Scope scope = inner(t_scope);
  return is_current_life(e, scope) ? OwnerId{scope.owner} : OwnerId{ledger::kOwnerService};
}

bool open_for_business(const Engine& e) noexcept { return e.active && !e.frozen; }

std::string_view text(const char* value) noexcept { return value == nullptr ? std::string_view{} : value; }

}  // namespace

extern "C" {

HL_EXPORT int hl_start(const char* run_dir) {
  SeamLock lock;
  StartOptions options;
  options.run_dir = run_dir == nullptr ? "" : run_dir;
  options.rule = "reported blocks";
  options.granule_shift = 4;
  return start(engine(), options) ? 0 : -1;
}

HL_EXPORT hl_scope hl_begin(void) {
  SeamLock lock;
  const Scope scope = begin_request(engine());
  forget_current(engine());
  return {scope.generation, scope.owner};
}

HL_EXPORT void hl_end(hl_scope scope, const hl_outcome* outcome) {
  SeamLock lock;
  end_request(engine(), inner(scope), inner(outcome));
}

HL_EXPORT void hl_leave(hl_scope scope, const hl_outcome* outcome) {
  SeamLock lock;
  leave_request(engine(), inner(scope), inner(outcome));
}

HL_EXPORT uint32_t hl_endpoint(const char* method, const char* route, const char* version, int deprecated) {
  SeamLock lock;
  return intern_endpoint(engine(), {text(method), text(route), text(version), deprecated != 0}).raw();
}

HL_EXPORT void hl_set_endpoint(hl_scope scope, uint32_t endpoint) {
  SeamLock lock;
  set_endpoint(engine(), inner(scope), EndpointId{endpoint});
}

HL_EXPORT int hl_enter_phase(hl_scope scope, hl_phase phase) {
  SeamLock lock;
  if (phase == HL_PHASE_SEND) begin_sending(engine(), inner(scope));
  return static_cast<int>(enter_phase(engine(), inner(scope), static_cast<Phase>(phase)));
}

HL_EXPORT void hl_leave_phase(hl_scope scope, int entered) {
  SeamLock lock;
  leave_phase(engine(), inner(scope), static_cast<Visit>(entered));
}

HL_EXPORT hl_scope hl_enter(hl_scope scope) {
  const hl_scope before = t_scope;
  t_scope = scope;
  return before;
}

HL_EXPORT void hl_allocated(const void* block, size_t bytes) {
  Engine& e = engine();
  if (block == nullptr || !open_for_business(e)) return;
  const OwnerId owner = running_owner(e);
  if (e.words.insert(reinterpret_cast<std::uintptr_t>(block), {owner.raw(), bytes})) {
    credit_off_gil(e, owner, bytes);
  } else {
    e.ledger.header.untracked_blocks.fetch_add(1, std::memory_order_relaxed);
  }
}

HL_EXPORT void hl_freed(const void* block) {
  Engine& e = engine();
  if (block == nullptr || !open_for_business(e)) return;
  const Block known = e.words.remove(reinterpret_cast<std::uintptr_t>(block));
  if (known.owner != 0) {
    debit_off_gil(e, OwnerId{known.owner}, known.bytes);
  } else {
    e.ledger.header.foreign_blocks.fetch_add(1, std::memory_order_relaxed);
  }
}

HL_EXPORT int hl_adopt(const void* block, hl_scope scope) {
  SeamLock lock;
  Engine& e = engine();
  if (!open_for_business(e) || !is_current_life(e, inner(scope))) return 0;
  const OwnerId to = OwnerId{inner(scope).owner};
  const Block before = e.words.exchange_owner(reinterpret_cast<std::uintptr_t>(block), to.raw());
  if (before.owner == 0) return 0;
  move_books(e, OwnerId{before.owner}, to, before.bytes);
  return 1;
}

HL_EXPORT hl_books hl_read_books(void) {
  SeamLock lock;
  Engine& e = engine();
  const Audit walked = audit(e);
  hl_books books{};
  books.allocated_bytes = e.ledger.header.retired_allocated_bytes;
  const std::uint32_t end = e.ledger.header.owner_high_water.load(std::memory_order_relaxed);
  for (std::uint32_t id = 1; id < end; ++id) {
    books.allocated_bytes +=
        e.ledger.hot[id].allocated_bytes + e.ledger.off_gil[id].allocated_bytes.load(std::memory_order_relaxed);
  }
  books.live_bytes = walked.counted_bytes;
  books.freed_bytes = books.allocated_bytes - books.live_bytes;
  books.walked_bytes = walked.walked_bytes;
  books.blocks = walked.blocks;
  books.mismatching_owners = walked.mismatches;
  return books;
}

HL_EXPORT hl_scope_memory hl_read_scope(hl_scope scope) {
  SeamLock lock;
  Engine& e = engine();
  if (!is_current_life(e, inner(scope))) return {};
  const OwnerId owner{inner(scope).owner};
  const ledger::OffGilBank& outside = e.ledger.off_gil[owner.raw()];
  return {hot(e, owner).allocated_bytes + outside.allocated_bytes.load(std::memory_order_relaxed),
          hot(e, owner).allocations + outside.allocations.load(std::memory_order_relaxed),
          static_cast<std::uint64_t>(live_bytes(e, owner)), peak_bytes(e, owner)};
}

HL_EXPORT void hl_tenure(void) {
  SeamLock lock;
  tenure_all(engine());
}

HL_EXPORT void hl_freeze(void) {
  SeamLock lock;
  freeze(engine());
}

}  // extern "C"
