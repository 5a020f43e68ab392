// The Request type: a token that names an engine scope, held by the ContextVar and by adapters. GIL held everywhere.
// The scope is a request's, or a connection's while it is made (cpython/pool_functions.h).
//
// Tokens are recycled, never freed: when the last reference goes, a token rests in a list of its own. So the variable's
// borrowed cache, asked while a context is being destroyed, may name a token that rests, but never lost memory. A token
// that dies with its scope open (an adapter that was never closed) closes it as disconnected; a connection's, as one
// that went without its pool's doing, unless its pool is gone, too. A copy of a token, pickled or not, is None: what
// stands for a connection can be copied, and the copy is nobody's connection.
#pragma once

#include "cpython/compat.h"
#include "engine/scopes.h"

namespace heapledger::cpython {

struct RequestObject {
  PyObject_HEAD engine::Scope scope;
  std::uint32_t endpoint;
  std::uint32_t status;
  std::uint32_t flags;
  ledger::Encoding request_encoding;
  ledger::Encoding response_encoding;
  std::uint64_t received_bytes;
  std::uint64_t sent_bytes;
  PyObject* reset_token;   // what ContextVar.set gave us; nullptr once reset
  PyObject* request_type;  // str or nullptr
  PyObject* response_type;
  PyObject* ends_with;  // of a connection: a weak reference to what takes it along regularly; or nullptr
  RequestObject* next_resting;
  bool resting;
  bool end_is_unseen;  // of a connection: its pool closes it without our knowing
};

extern PyTypeObject RequestType;

// False: exception set.
bool prepare_request_type() noexcept;

inline bool is_request(PyObject* object) noexcept { return Py_TYPE(object) == &RequestType; }

// A token for a scope that was just begun, which no context names yet. nullptr: no memory, no exception set.
PyObject* new_token(engine::Scope scope) noexcept;
// What a connection ends with: when `life` (or nullptr) is gone, its token's death is no loss; when its end is not
// seen, only one that is checked out is lost. No exception set.
void tie_connection(PyObject* token, PyObject* life, bool end_is_unseen) noexcept;
engine::Scope scope_of(PyObject* token) noexcept;
// The scope of the open request that runs here; Scope{}: none does.
engine::Scope running_request() noexcept;

// The owner this token's allocations go to now.
base::OwnerId request_owner(engine::Engine& e, PyObject* request) noexcept;

// Module functions.
PyObject* request_begin(PyObject* module, PyObject* unused);
PyObject* request_end(PyObject* module, PyObject* const* arguments, Py_ssize_t count);
PyObject* request_discard(PyObject* module, PyObject* request);
PyObject* request_enter(PyObject* module, PyObject* request);
PyObject* request_restore(PyObject* module, PyObject* request);
PyObject* request_leave(PyObject* module, PyObject* request);
PyObject* request_enter_phase(PyObject* module, PyObject* const* arguments, Py_ssize_t count);
PyObject* request_leave_phase(PyObject* module, PyObject* const* arguments, Py_ssize_t count);
PyObject* request_begin_sending(PyObject* module, PyObject* request);
PyObject* request_current(PyObject* module, PyObject* unused);
PyObject* request_run_with(PyObject* module, PyObject* const* arguments, Py_ssize_t count, PyObject* names);

}  // namespace heapledger::cpython
