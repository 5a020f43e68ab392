#include "cpython/request_object.h"

#include <cstddef>

#include "cpython/alloc_hooks.h"
#include "cpython/current_owner.h"
#include "cpython/numbered_phase.h"
#include "engine/connections.h"
#include "engine/phases.h"
#include "engine/switch.h"

namespace heapledger::cpython {
namespace {

constexpr std::uint64_t kDisplacementCheckEvery = 256;

RequestObject* g_resting = nullptr;

RequestObject* as_request(PyObject* object) noexcept { return reinterpret_cast<RequestObject*>(object); }
Engine& books() noexcept { return engine::engine(); }

std::string_view text_of(PyObject* text) noexcept {
  if (text == nullptr) return {};
  Py_ssize_t bytes = 0;
  const char* data = PyUnicode_AsUTF8AndSize(text, &bytes);
  if (data == nullptr) {
    PyErr_Clear();  // lone surrogates: no content type then
    return {};
  }
  return {data, static_cast<std::size_t>(bytes)};
}

engine::Outcome outcome_of(const RequestObject& self) noexcept {
  return {self.status,
          self.flags,
          self.received_bytes,
          self.sent_bytes,
          text_of(self.request_type),
          text_of(self.response_type),
          self.request_encoding,
          self.response_encoding};
}

RequestObject* take_token() noexcept {
  RequestObject* token = g_resting;
  if (token != nullptr) {
    g_resting = token->next_resting;
    PyObject_Init(reinterpret_cast<PyObject*>(token), &RequestType);
  } else {
    token = PyObject_New(RequestObject, &RequestType);
    if (token == nullptr) return nullptr;
  }
  token->next_resting = nullptr;
  token->resting = token->end_is_unseen = false;
  token->scope = {};
  token->endpoint = token->status = token->flags = 0;
  token->request_encoding = token->response_encoding = ledger::Encoding::kIdentity;
  token->received_bytes = token->sent_bytes = 0;
  token->reset_token = token->request_type = token->response_type = token->ends_with = nullptr;
  return token;
}

void close_scope(RequestObject& self) noexcept {
  engine::leave_request(books(), self.scope, outcome_of(self));
  Py_CLEAR(self.request_type);
  Py_CLEAR(self.response_type);
}

bool is_lost(const RequestObject& self) noexcept {
  if (self.ends_with != nullptr && is_dead_reference(self.ends_with)) return false;
  return !self.end_is_unseen || engine::is_checked_out(books(), self.scope);
}

void request_dealloc(PyObject* object) {
  RequestObject& self = *as_request(object);
  if (self.resting) return;
  self.resting = true;
  if (self.scope.generation != 0) {
    self.flags |= ledger::kRequestDisconnected;
    PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    engine::close_connection(books(), self.scope, is_lost(self));
    close_scope(self);
    PyErr_Restore(type, value, traceback);
    self.scope = {};
  }
  Py_CLEAR(self.reset_token);
  Py_CLEAR(self.ends_with);
  self.next_resting = g_resting;
  g_resting = &self;
}

// ContextVar.set(request) under our mark; the reset token, or nullptr with the error cleared.
PyObject* set_variable(PyObject* value) noexcept {
  const ContextChange change(books());
  PyObject* token = PyContextVar_Set(owner_variable(), value);
  if (token == nullptr) PyErr_Clear();
  return token;
}

// Undo it. In a foreign context the variable is left alone unless it still names this request.
void reset_variable(PyObject* reset_token, PyObject* request) noexcept {
  bool failed = false;
  {
    const ContextChange change(books());
    failed = PyContextVar_Reset(owner_variable(), reset_token) != 0;
  }
  if (!failed) return;
  PyErr_Clear();
  PyObject* value = nullptr;
  if (PyContextVar_Get(owner_variable(), nullptr, &value) != 0) PyErr_Clear();
  if (value == request) Py_XDECREF(set_variable(Py_None));
  Py_XDECREF(value);
}

void check_displacement(Engine& e) noexcept {
  if (e.ledger.header.finished_requests.load(std::memory_order_relaxed) % kDisplacementCheckEvery != 1) return;
  if (!e.frozen && !hooks_are_reached()) engine::mark_displaced(e);
}

// ---- attributes ----

PyObject* get_endpoint(PyObject* self, void*) { return PyLong_FromUnsignedLong(as_request(self)->endpoint); }
int set_endpoint(PyObject* self, PyObject* value, void*) {
  const unsigned long id = value == nullptr ? 0 : PyLong_AsUnsignedLong(value);
  if (id == static_cast<unsigned long>(-1) && PyErr_Occurred() != nullptr) return -1;
  as_request(self)->endpoint = static_cast<std::uint32_t>(id);
  engine::set_endpoint(books(), as_request(self)->scope, engine::EndpointId{static_cast<std::uint32_t>(id)});
  return 0;
}

template <std::uint64_t RequestObject::*kField>
PyObject* get_count(PyObject* self, void*) {
  return PyLong_FromUnsignedLongLong(as_request(self)->*kField);
}
template <std::uint64_t RequestObject::*kField>
int set_count(PyObject* self, PyObject* value, void*) {
  const unsigned long long count = value == nullptr ? 0 : PyLong_AsUnsignedLongLong(value);
  if (count == static_cast<unsigned long long>(-1) && PyErr_Occurred() != nullptr) return -1;
  as_request(self)->*kField = count;
  return 0;
}

template <ledger::Encoding RequestObject::*kField>
PyObject* get_encoding(PyObject* self, void*) {
  return PyLong_FromLong(static_cast<long>(as_request(self)->*kField));
}
template <ledger::Encoding RequestObject::*kField>
int set_encoding(PyObject* self, PyObject* value, void*) {
  const long code = value == nullptr ? 0 : PyLong_AsLong(value);
  if (code == -1 && PyErr_Occurred() != nullptr) return -1;
  const bool known = code >= 0 && code <= static_cast<long>(ledger::Encoding::kOther);
  as_request(self)->*kField = known ? static_cast<ledger::Encoding>(code) : ledger::Encoding::kOther;
  return 0;
}

bool is_alive(const RequestObject& self) noexcept { return engine::is_current_life(books(), self.scope); }

PyObject* get_sequence(PyObject* self, void*) {
  const RequestObject& me = *as_request(self);
  return PyLong_FromUnsignedLongLong(is_alive(me) ? engine::record(books(), OwnerId{me.scope.owner}).sequence : 0);
}
PyObject* get_is_open(PyObject* self, void*) {
  return PyBool_FromLong(engine::is_open(books(), as_request(self)->scope) ? 1 : 0);
}
PyObject* get_allocated(PyObject* self, void*) {
  const RequestObject& me = *as_request(self);
  if (!is_alive(me)) return PyLong_FromLong(0);
  const ledger::OffGilBank& outside = books().ledger.off_gil[me.scope.owner];
  return PyLong_FromUnsignedLongLong(engine::hot(books(), OwnerId{me.scope.owner}).allocated_bytes +
                                     outside.allocated_bytes.load(std::memory_order_relaxed));
}
PyObject* get_live(PyObject* self, void*) {
  const RequestObject& me = *as_request(self);
  return PyLong_FromLongLong(is_alive(me) ? engine::live_bytes(books(), OwnerId{me.scope.owner}) : 0);
}
PyObject* get_peak(PyObject* self, void*) {
  const RequestObject& me = *as_request(self);
  return PyLong_FromUnsignedLongLong(is_alive(me) ? engine::peak_bytes(books(), OwnerId{me.scope.owner}) : 0);
}

PyGetSetDef g_attributes[] = {
    {"endpoint", get_endpoint, set_endpoint, "id from intern_endpoint; 0 until the route is known", nullptr},
    {"received_bytes", get_count<&RequestObject::received_bytes>, set_count<&RequestObject::received_bytes>,
     "request body so far", nullptr},
    {"sent_bytes", get_count<&RequestObject::sent_bytes>, set_count<&RequestObject::sent_bytes>, "response body so far",
     nullptr},
    {"request_encoding", get_encoding<&RequestObject::request_encoding>, set_encoding<&RequestObject::request_encoding>,
     "code of the request body's Content-Encoding, 0: none", nullptr},
    {"response_encoding", get_encoding<&RequestObject::response_encoding>,
     set_encoding<&RequestObject::response_encoding>, "the same of the response's", nullptr},
    {"sequence", get_sequence, nullptr, "number of this request in its worker, from 1", nullptr},
    {"is_open", get_is_open, nullptr, "the response is not out yet", nullptr},
    {"allocated_bytes", get_allocated, nullptr, "allocated so far", nullptr},
    {"live_bytes", get_live, nullptr, "held now", nullptr},
    {"peak_bytes", get_peak, nullptr, "held at most so far", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyObject* reduce(PyObject*, PyObject*) { return Py_BuildValue("O()", Py_TYPE(Py_None)); }

PyMethodDef g_methods[] = {{"__reduce__", reduce, METH_NOARGS, "A copy is None."}, {nullptr, nullptr, 0, nullptr}};

// Not a connection that is being made.
bool is_open_request(engine::Scope scope) noexcept {
  return engine::is_open(books(), scope) && !engine::is_connection(books(), scope);
}

PyObject* expected_request() {
  PyErr_SetString(PyExc_TypeError, "a heapledger Request is expected");
  return nullptr;
}

}  // namespace

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"  // CPython's own macro; prepare_request_type() fills in
PyTypeObject RequestType = {PyVarObject_HEAD_INIT(nullptr, 0)};
#pragma GCC diagnostic pop

bool prepare_request_type() noexcept {
  RequestType.tp_name = "heapledger._engine.Request";
  RequestType.tp_basicsize = sizeof(RequestObject);
  RequestType.tp_dealloc = request_dealloc;
  RequestType.tp_flags = Py_TPFLAGS_DEFAULT;
#ifdef Py_TPFLAGS_DISALLOW_INSTANTIATION
  RequestType.tp_flags |= Py_TPFLAGS_DISALLOW_INSTANTIATION;
#endif
  RequestType.tp_doc = "One request's owner token. Inert once the request is over.";
  RequestType.tp_getset = g_attributes;
  RequestType.tp_methods = g_methods;
  return PyType_Ready(&RequestType) == 0;
}

base::OwnerId request_owner(Engine& e, PyObject* request) noexcept {
  const RequestObject& self = *as_request(request);
  if (self.resting) return OwnerId{ledger::kOwnerService};
  return engine::owner_of(e, self.scope, engine::EndpointId{self.endpoint});
}

PyObject* new_token(engine::Scope scope) noexcept {
  RequestObject* self = take_token();
  if (self == nullptr) {
    PyErr_Clear();
    return nullptr;
  }
  self->scope = scope;
  return reinterpret_cast<PyObject*>(self);
}

void tie_connection(PyObject* token, PyObject* life, bool end_is_unseen) noexcept {
  RequestObject& self = *as_request(token);
  self.end_is_unseen = end_is_unseen;
  if (life == nullptr) return;
  self.ends_with = PyWeakref_NewRef(life, nullptr);
  if (self.ends_with == nullptr) PyErr_Clear();
}

engine::Scope scope_of(PyObject* token) noexcept { return as_request(token)->scope; }

engine::Scope running_request() noexcept {
  PyObject* value = nullptr;
  if (owner_variable() == nullptr) return {};
  if (PyContextVar_Get(owner_variable(), nullptr, &value) != 0) PyErr_Clear();
  if (value == nullptr) return {};
  const engine::Scope scope = is_request(value) ? as_request(value)->scope : engine::Scope{};
  Py_DECREF(value);
  return is_open_request(scope) ? scope : engine::Scope{};
}

PyObject* request_begin(PyObject*, PyObject*) {
  Engine& e = books();
  const engine::Scope scope = engine::begin_request(e);
  if (scope.generation == 0) Py_RETURN_NONE;
  RequestObject* self = take_token();
  if (self == nullptr) {
    PyErr_Clear();
    engine::leave_request(e, scope, {});
    Py_RETURN_NONE;
  }
  self->scope = scope;
  self->reset_token = set_variable(reinterpret_cast<PyObject*>(self));
  return reinterpret_cast<PyObject*>(self);
}

PyObject* request_end(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 5 || !is_request(arguments[0])) return expected_request();
  RequestObject& self = *as_request(arguments[0]);
  const long status = PyLong_AsLong(arguments[1]);
  const long flags = PyLong_AsLong(arguments[2]);
  if (PyErr_Occurred() != nullptr) return nullptr;
  if (!engine::is_open(books(), self.scope)) Py_RETURN_NONE;
  self.status = static_cast<std::uint32_t>(status);
  self.flags = static_cast<std::uint32_t>(flags);
  for (int i = 0; i < 2; ++i) {
    PyObject*& kept = i == 0 ? self.request_type : self.response_type;
    PyObject* given = arguments[3 + i];
    if (PyUnicode_Check(given) && PyUnicode_GET_LENGTH(given) > 0) Py_XSETREF(kept, Py_NewRef(given));
  }
  engine::end_request(books(), self.scope, outcome_of(self));
  Py_RETURN_NONE;
}

PyObject* request_discard(PyObject*, PyObject* request) {
  if (!is_request(request)) return expected_request();
  as_request(request)->endpoint = ledger::kEndpointUnknown;
  engine::discard_request(books(), as_request(request)->scope);
  Py_RETURN_NONE;
}

PyObject* request_enter(PyObject*, PyObject* request) {
  if (!is_request(request)) return expected_request();
  RequestObject& self = *as_request(request);
  if (self.reset_token == nullptr && owner_variable() != nullptr) self.reset_token = set_variable(request);
  Py_RETURN_NONE;
}

PyObject* request_restore(PyObject*, PyObject* request) {
  if (!is_request(request)) return expected_request();
  RequestObject& self = *as_request(request);
  PyObject* reset_token = self.reset_token;
  self.reset_token = nullptr;
  if (reset_token != nullptr) {
    PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    reset_variable(reset_token, request);
    Py_DECREF(reset_token);
    PyErr_Restore(type, value, traceback);
  }
  Py_RETURN_NONE;
}

PyObject* request_leave(PyObject* module, PyObject* request) {
  PyObject* restored = request_restore(module, request);
  if (restored == nullptr) return nullptr;
  Py_DECREF(restored);
  close_scope(*as_request(request));
  check_displacement(books());
  Py_RETURN_NONE;
}

PyObject* request_enter_phase(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 2 || !is_request(arguments[0])) return expected_request();
  const long phase = PyLong_AsLong(arguments[1]);
  if (phase == -1 && PyErr_Occurred() != nullptr) return nullptr;
  if (phase < 0 || phase >= kNumberedPhases) return PyLong_FromLong(0);
  const engine::Visit visit = enter_numbered(books(), as_request(arguments[0])->scope, phase);
  return PyLong_FromLong(static_cast<long>(visit));
}

PyObject* request_leave_phase(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 2 || !is_request(arguments[0])) return expected_request();
  const long visit = PyLong_AsLong(arguments[1]);
  if (visit == -1 && PyErr_Occurred() != nullptr) return nullptr;
  engine::leave_phase(books(), as_request(arguments[0])->scope, static_cast<engine::Visit>(visit));
  Py_RETURN_NONE;
}

PyObject* request_begin_sending(PyObject*, PyObject* request) {
  if (!is_request(request)) return expected_request();
  engine::begin_sending(books(), as_request(request)->scope);
  Py_RETURN_NONE;
}

PyObject* request_current(PyObject*, PyObject*) {
  PyObject* value = nullptr;
  if (owner_variable() == nullptr) Py_RETURN_NONE;  // never started
  if (PyContextVar_Get(owner_variable(), nullptr, &value) != 0) return nullptr;
  if (value != nullptr && is_request(value) && is_open_request(as_request(value)->scope)) return value;
  Py_XDECREF(value);
  Py_RETURN_NONE;
}

PyObject* request_run_with(PyObject*, PyObject* const* arguments, Py_ssize_t count, PyObject* names) {
  if (count < 2) {
    PyErr_SetString(PyExc_TypeError, "run_with(request, function, ...) is expected");
    return nullptr;
  }
  PyObject* request = arguments[0];
  PyObject* reset_token = nullptr;
  // None: nobody's request, also where the context would have one.
  const bool names_owner = is_request(request) || request == Py_None;
  if (names_owner && owner_variable() != nullptr) reset_token = set_variable(request);
  PyObject* result = PyObject_Vectorcall(arguments[1], arguments + 2, static_cast<std::size_t>(count - 2), names);
  if (reset_token != nullptr) {
    PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    reset_variable(reset_token, request);
    Py_DECREF(reset_token);
    PyErr_Restore(type, value, traceback);
  }
  return result;
}

}  // namespace heapledger::cpython
