#include "cpython/marked_calls.h"

#include "cpython/current_owner.h"
#include "cpython/numbered_phase.h"
#include "cpython/taken_builtin.h"
#include "cpython/taken_function.h"
#include "engine/phases.h"

namespace heapledger::cpython {
namespace {

using engine::Phase;
using engine::Scope;
using engine::Visit;

// The request that runs here, {} where none does.
Scope running_scope(engine::Engine& e) noexcept {
  if (!e.active || e.frozen) return {};
  const std::uint16_t owner = owner_now(e, current_thread_state());
  return {engine::record(e, OwnerId{owner}).generation, owner};
}

class PhaseVisit {
 public:
  explicit PhaseVisit(long phase) noexcept
      : engine_(engine::engine()), scope_(running_scope(engine_)), visit_(enter_numbered(engine_, scope_, phase)) {}
  ~PhaseVisit() { engine::leave_phase(engine_, scope_, visit_); }
  PhaseVisit(const PhaseVisit&) = delete;
  PhaseVisit& operator=(const PhaseVisit&) = delete;

 private:
  engine::Engine& engine_;
  const Scope scope_;
  const Visit visit_;
};

// One for each phase, as a function has no place to keep it.
template <long kPhase>
PyObject* call_function(PyObject* function, PyObject* const* arguments, std::size_t count, PyObject* names) {
  const PhaseVisit visit{kPhase};
  return call_taken(function, arguments, count, names);
}

PyObject* call_marked_builtin(PyObject* function, PyObject* const* arguments, std::size_t count, PyObject* names) {
  const PhaseVisit visit{phase_of_builtin(function)};
  return call_builtin(function, arguments, count, names);
}

constexpr long number_of(Phase phase) noexcept { return static_cast<long>(phase); }

vectorcallfunc call_in(long phase) noexcept {
  switch (phase) {
    case number_of(Phase::kRead):
      return call_function<number_of(Phase::kRead)>;
    case number_of(Phase::kDeserialize):
      return call_function<number_of(Phase::kDeserialize)>;
    case number_of(Phase::kSerialize):
      return call_function<number_of(Phase::kSerialize)>;
    case kReadWhole:
      return call_function<kReadWhole>;
    case kDeserializeWhole:
      return call_function<kDeserializeWhole>;
    default:
      return nullptr;  // no phase that is visited
  }
}

}  // namespace

PyObject* mark(PyObject*, PyObject* arguments) {
  PyObject *function = nullptr, *getter_of = nullptr;
  long phase = 0;
  if (PyArg_ParseTuple(arguments, "Ol|O", &function, &phase, &getter_of) == 0) return nullptr;
  const vectorcallfunc call = call_in(phase);
  if (call == nullptr) return PyErr_Format(PyExc_ValueError, "%ld is no phase that can be marked", phase);
  if (getter_of != nullptr && !PyType_Check(getter_of)) getter_of = nullptr;
  return PyBool_FromLong(
      take_function(function, call, getter_of) || take_builtin(function, call_marked_builtin, phase) ? 1 : 0);
}

}  // namespace heapledger::cpython
