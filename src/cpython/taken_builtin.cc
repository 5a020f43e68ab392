#include "cpython/taken_builtin.h"

#include <cstdlib>

namespace heapledger::cpython {
namespace {

struct TakenDefinition {
  PyMethodDef definition;  // first: what the object points to
  vectorcallfunc call;
  long phase;
};

constexpr int kConventions = METH_VARARGS | METH_FASTCALL | METH_NOARGS | METH_O;
// A class behind it, or none before it, changes what the object is made of.
constexpr int kOthers = METH_METHOD | METH_STATIC | METH_CLASS;

PyCFunctionObject* as_builtin(PyObject* function) noexcept { return reinterpret_cast<PyCFunctionObject*>(function); }

const TakenDefinition& definition_of(PyObject* function) noexcept {
  return *reinterpret_cast<const TakenDefinition*>(as_builtin(function)->m_ml);
}

}  // namespace

bool take_builtin(PyObject* function, vectorcallfunc ours, long phase) noexcept {
  if (!PyCFunction_CheckExact(function)) return false;
  PyCFunctionObject* const builtin = as_builtin(function);
  if (builtin->vectorcall == ours) return true;
  const PyMethodDef& known = *builtin->m_ml;
  // The convention of tuples has no vectorcall, and the interpreter goes by its flag.
  if (builtin->vectorcall == nullptr || (known.ml_flags & (METH_VARARGS | kOthers)) != 0) return false;
  auto* const taken = static_cast<TakenDefinition*>(malloc(sizeof(TakenDefinition)));
  if (taken == nullptr) return false;
  *taken = {{known.ml_name, known.ml_meth, known.ml_flags & ~kConventions, known.ml_doc}, builtin->vectorcall, phase};
  builtin->m_ml = &taken->definition;
  builtin->vectorcall = ours;
  return true;
}

long phase_of_builtin(PyObject* function) noexcept { return definition_of(function).phase; }

PyObject* call_builtin(PyObject* function, PyObject* const* arguments, std::size_t count, PyObject* names) noexcept {
  return definition_of(function).call(function, arguments, count, names);
}

}  // namespace heapledger::cpython
