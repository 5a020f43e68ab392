#include "cpython/marks_functions.h"

#include <cstring>
#include <string_view>

#include "base/clock.h"
#include "cpython/request_object.h"
#include "engine/books.h"
#include "engine/marks.h"
#include "engine/scopes.h"

namespace heapledger::cpython {
namespace {

using engine::Engine;
using engine::OwnerId;

// A request's figures at one moment. Kept in a bytes object that is filled last, so that it is in none of them.
struct Span {
  engine::Scope scope;
  std::uint64_t allocated_bytes;
  std::int64_t live_bytes;
  std::uint64_t peak_bytes;
  std::uint64_t at_ns;
};

Span span_of(Engine& e, engine::Scope scope) noexcept {
  const OwnerId owner{scope.owner};
  const std::uint64_t outside = e.ledger.off_gil[scope.owner].allocated_bytes.load(std::memory_order_relaxed);
  return {scope, engine::hot(e, owner).allocated_bytes + outside, engine::live_bytes(e, owner),
          engine::peak_bytes(e, owner), base::monotonic_ns()};
}

// The open request of this context: a new reference, nullptr for none, without an exception.
RequestObject* current_request() noexcept {
  PyObject* request = request_current(nullptr, nullptr);
  if (request == nullptr) PyErr_Clear();
  if (request == nullptr || request == Py_None) {
    Py_XDECREF(request);
    return nullptr;
  }
  return reinterpret_cast<RequestObject*>(request);
}

}  // namespace

PyObject* note_end_of_life(PyObject*, PyObject* arguments) {
  unsigned long endpoint = 0;
  const char *deprecation = nullptr, *sunset = nullptr;
  Py_ssize_t deprecation_bytes = 0, sunset_bytes = 0;
  if (PyArg_ParseTuple(arguments, "ks#s#", &endpoint, &deprecation, &deprecation_bytes, &sunset, &sunset_bytes) == 0) {
    return nullptr;
  }
  return PyBool_FromLong(engine::note_end_of_life(engine::engine(),
                                                  engine::EndpointId{static_cast<std::uint32_t>(endpoint)},
                                                  {deprecation, static_cast<std::size_t>(deprecation_bytes)},
                                                  {sunset, static_cast<std::size_t>(sunset_bytes)})
                             ? 1
                             : 0);
}

PyObject* enter_compat(PyObject*, PyObject*) {
  RequestObject* request = current_request();
  if (request == nullptr) Py_RETURN_NONE;
  PyObject* kept = PyBytes_FromStringAndSize(nullptr, sizeof(Span));
  if (kept != nullptr) {
    const Span span = span_of(engine::engine(), request->scope);
    memcpy(PyBytes_AS_STRING(kept), &span, sizeof span);
  }
  Py_DECREF(reinterpret_cast<PyObject*>(request));
  return kept;
}

PyObject* leave_compat(PyObject*, PyObject* arguments) {
  PyObject* kept = nullptr;
  const char* name = nullptr;
  Py_ssize_t name_bytes = 0;
  if (PyArg_ParseTuple(arguments, "Ss#", &kept, &name, &name_bytes) == 0) return nullptr;
  RequestObject* request = current_request();
  Span before;
  const bool fits = request != nullptr && PyBytes_GET_SIZE(kept) == sizeof before;
  bool done = false;
  if (fits) {
    memcpy(&before, PyBytes_AS_STRING(kept), sizeof before);
    const Span now = span_of(engine::engine(), request->scope);
    done = now.scope.owner == before.scope.owner && now.scope.generation == before.scope.generation;
    if (done) {
      const engine::CompatCall call{now.allocated_bytes - before.allocated_bytes, now.peak_bytes - before.peak_bytes,
                                    now.at_ns - before.at_ns};
      engine::note_compat_call(engine::engine(), engine::EndpointId{request->endpoint},
                               {name, static_cast<std::size_t>(name_bytes)}, call);
    }
  }
  Py_XDECREF(reinterpret_cast<PyObject*>(request));
  return PyBool_FromLong(done ? 1 : 0);
}

}  // namespace heapledger::cpython
