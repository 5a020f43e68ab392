#include "cpython/current_owner.h"

#include "cpython/request_object.h"

namespace heapledger::cpython {

namespace ledger = heapledger::ledger;

thread_local ThreadOwner t_owner;

namespace {

PyObject* g_variable = nullptr;  // never released: hooks outlive the module
PyInterpreterState* g_interpreter = nullptr;

std::uint16_t owner_in_context(Engine& e) noexcept {
  PyObject* value = nullptr;
  if (PyContextVar_Get(g_variable, nullptr, &value) != 0 || value == nullptr) return ledger::kOwnerService;
  std::uint16_t owner = ledger::kOwnerService;
  if (is_request(value)) owner = request_owner(e, value).raw();
  Py_DECREF(value);  // the context holds another reference, or the token rests already: nothing is destroyed here
  return owner;
}

}  // namespace

std::uint16_t last_owner(Engine& e) noexcept {
  const ThreadOwner& mine = t_owner;
  if (mine.owner == 0) return ledger::kOwnerService;
  const ledger::OwnerRecord& who = engine::record(e, OwnerId{mine.owner});
  ledger::OwnerState state;
  __atomic_load(&who.state, &state, __ATOMIC_RELAXED);
  const bool alive =
      __atomic_load_n(&who.generation, __ATOMIC_RELAXED) == mine.generation && state != ledger::OwnerState::kSweeping;
  return alive ? mine.owner : ledger::kOwnerService;
}

std::uint16_t owner_without_asking(Engine& e, const PyThreadState* state) noexcept {
  if (is_current(e.current, state)) return e.current.owner;
  const ThreadOwner& mine = t_owner;
  const bool same_key = mine.thread_id == state->id && mine.context_version == state->context_ver;
  if (!same_key || last_owner(e) != mine.owner) return 0;
  CurrentOwner known = key_of(state);
  known.owner = mine.owner;
  engine::set_current(e, known);
  return mine.owner;
}

std::uint16_t resolve_owner(Engine& e, PyThreadState* state) noexcept {
  if (state == nullptr || e.frozen) return ledger::kOwnerService;
  ThreadOwner& mine = t_owner;
  if (mine.context_changes != 0) return last_owner(e);
  std::uint16_t owner = ledger::kOwnerService;
  if (state->interp != g_interpreter) {
    if (kInterpretersMayOwnTheirGil) {
      e.ledger.header.foreign_interpreter_blocks.fetch_add(1, std::memory_order_relaxed);
      return 0;
    }
  } else if (mine.import_owner != 0) {
    owner = mine.import_owner;
  } else {
    owner = owner_in_context(e);
  }
  CurrentOwner resolved = key_of(state);
  resolved.owner = owner;
  engine::set_current(e, resolved);
  mine.thread_id = state->id;
  mine.context_version = state->context_ver;
  mine.owner = owner;
  mine.generation = engine::record(e, OwnerId{owner}).generation;
  return owner;
}

bool make_owner_variable() noexcept {
  if (g_variable == nullptr) g_variable = PyContextVar_New("heapledger_request", nullptr);
  g_interpreter = PyThreadState_Get()->interp;
  return g_variable != nullptr;
}

PyObject* owner_variable() noexcept { return g_variable; }

bool in_main_interpreter(const PyThreadState* state) noexcept { return state->interp == g_interpreter; }

}  // namespace heapledger::cpython
