#include "cpython/exchange_object.h"

#include <structmember.h>

#include <cstddef>
#include <cstring>

namespace heapledger::cpython {
namespace {

ExchangeObject& as_exchange(PyObject* object) noexcept { return *reinterpret_cast<ExchangeObject*>(object); }

template <typename Visit>
int each_reference(ExchangeObject& self, Visit visit) {
  PyObject** const references[] = {&self.token,         &self.method, &self.prefix,      &self.key,
                                   &self.scope,         &self.source, &self.server_call, &self.server_receive,
                                   &self.response,      &self.body,   &self.iterator,    &self.request_type,
                                   &self.response_type, &self.noted,  &self.noted_prefix};
  for (PyObject** reference : references) {
    if (const int stop = visit(*reference); stop != 0) return stop;
  }
  return 0;
}

int traverse(PyObject* object, visitproc visit, void* argument) {
  return each_reference(as_exchange(object),
                        [&](PyObject*& reference) { return reference == nullptr ? 0 : visit(reference, argument); });
}

int clear(PyObject* object) {
  return each_reference(as_exchange(object), [](PyObject*& reference) {
    Py_CLEAR(reference);
    return 0;
  });
}

constexpr int kMostSpare = 128;
ExchangeObject* g_spare[kMostSpare];
int g_spare_count = 0;

void dealloc(PyObject* object) {
  PyObject_GC_UnTrack(object);
  unlink_open(as_exchange(object));
  clear(object);
  if (g_spare_count < kMostSpare) {
    g_spare[g_spare_count++] = &as_exchange(object);
  } else {
    PyObject_GC_Del(object);
  }
}

// The API version that the request's headers name: a new str.
PyObject* asked_version(ExchangeObject& self) noexcept {
  if (self.source == nullptr) return Py_NewRef(g_names.empty);
  return PyObject_CallOneArg(self.kind == ExchangeKind::kAsgi ? g_bound.asked_of_headers : g_bound.asked_of_environ,
                             self.source);
}

bool may_name_version(ExchangeObject& self) noexcept {
  if (self.source == nullptr) return false;
  return self.kind == ExchangeKind::kAsgi ? headers_may_name_version(self) : environ_may_name_version(self);
}

// A new int: the endpoint for this key, from the table or from the adapters.
PyObject* endpoint_for(ExchangeObject& self, PyObject* key) noexcept {
  PyObject* known = PyDict_GetItemWithError(g_bound.ids, key);
  if (known == nullptr && PyErr_Occurred() != nullptr) return nullptr;
  const long long id = known == nullptr ? 0 : PyLong_AsLongLong(known);
  if (id > 0) return Py_NewRef(known);
  if (id < 0 && !may_name_version(self)) return PyLong_FromLongLong(-id);
  PyObject* asked = asked_version(self);
  if (asked == nullptr) return nullptr;
  PyObject* found = PyObject_CallFunctionObjArgs(id < 0 ? g_bound.find_asked : g_bound.find, key, asked, nullptr);
  Py_DECREF(asked);
  return found;
}

// What the table of endpoints answered for a template, found by the objects' addresses: routes hand out the same string
// each time. Entries keep what they name alive.
struct KnownEndpoint {
  PyObject* method;
  PyObject* route;
  PyObject* key;
  PyObject* endpoint;
  bool deprecated;
  bool has_own_version;  // the request's headers say nothing about it
};
constexpr std::size_t kKnownEndpoints = 256;
KnownEndpoint g_known_endpoints[kKnownEndpoints];

KnownEndpoint& known_endpoint(const PyObject* method, const PyObject* route, bool deprecated) noexcept {
  const auto bits = [](const PyObject* object) { return reinterpret_cast<std::uintptr_t>(object) >> 4; };
  return g_known_endpoints[(bits(route) ^ (bits(method) << 3) ^ (deprecated ? 1U : 0U)) % kKnownEndpoints];
}

bool file_if_known(ExchangeObject& self, const PyObject* route, bool deprecated) noexcept {
  const KnownEndpoint& known = known_endpoint(self.method, route, deprecated);
  if (known.route != route || known.method != self.method || known.deprecated != deprecated) return false;
  if (self.key == known.key) return true;  // for the second time
  if (!known.has_own_version && may_name_version(self)) return false;
  if (PyObject_SetAttr(self.token, g_names.endpoint, known.endpoint) != 0) return false;
  Py_XSETREF(self.key, Py_NewRef(known.key));
  return true;
}

void keep_known(ExchangeObject& self, PyObject* route, bool deprecated, PyObject* endpoint) noexcept {
  if (Py_REFCNT(route) < 2) return;  // made for this request: its address says nothing
  PyObject* id = PyDict_GetItemWithError(g_bound.ids, self.key);
  const long long number = id == nullptr ? 0 : PyLong_AsLongLong(id);
  if (number == 0 || (number < 0 && may_name_version(self))) return;
  KnownEndpoint& known = known_endpoint(self.method, route, deprecated);
  Py_XSETREF(known.method, Py_NewRef(self.method));
  Py_XSETREF(known.route, Py_NewRef(route));
  Py_XSETREF(known.key, Py_NewRef(self.key));
  Py_XSETREF(known.endpoint, Py_NewRef(endpoint));
  known.deprecated = deprecated;
  known.has_own_version = number > 0;
}

bool try_to_file(ExchangeObject& self, PyObject* route, bool deprecated) noexcept {
  PyObject* key = PyTuple_Pack(4, self.method, route, g_names.empty, deprecated ? Py_True : Py_False);
  if (key == nullptr) return false;
  PyObject* endpoint = endpoint_for(self, key);
  Py_XSETREF(self.key, key);
  if (endpoint == nullptr) return false;
  const int same = PyObject_RichCompareBool(endpoint, g_bound.ignored, Py_EQ);
  bool done = same >= 0;
  if (same == 1) {
    call_engine(g_bound.discard, self);
  } else if (same == 0) {
    done = PyObject_SetAttr(self.token, g_names.endpoint, endpoint) == 0;
    if (done) keep_known(self, route, deprecated, endpoint);
  }
  Py_DECREF(endpoint);
  return done;
}

bool set_count(ExchangeObject& self, PyObject* name, Py_ssize_t count) noexcept {
  if (count == 0) return true;
  PyObject* number = PyLong_FromSsize_t(count);
  const bool done = number != nullptr && PyObject_SetAttr(self.token, name, number) == 0;
  Py_XDECREF(number);
  return done;
}

void close_row(ExchangeObject& self) noexcept {
  if (self.key == nullptr) {
    file_under(self, self.known != 0 ? g_bound.unmatched : g_bound.app, self.deprecated != 0);
  } else if (self.deprecated != 0) {
    file_as_deprecated(self);
  }
  note_version(self);
  self.open = 0;
  PyObject* status = PyLong_FromLong(self.status);
  PyObject* flags = PyLong_FromLong(self.flags);
  PyObject* done = nullptr;
  if (status != nullptr && flags != nullptr && set_count(self, g_names.received_bytes, self.received) &&
      set_count(self, g_names.sent_bytes, self.sent) &&
      set_count(self, g_names.request_encoding, self.request_encoding) &&
      set_count(self, g_names.response_encoding, self.response_encoding)) {
    PyObject* arguments[] = {self.token, status, flags, self.request_type, self.response_type};
    done = PyObject_Vectorcall(g_bound.end, arguments, 5, nullptr);
  }
  if (done == nullptr) count_failure("end_failed");
  Py_XDECREF(done);
  Py_XDECREF(status);
  Py_XDECREF(flags);
}

// ---- methods ----

PyObject* route(PyObject* object, PyObject* const* arguments, Py_ssize_t count) {
  if (count < 1 || count > 2) return PyErr_Format(PyExc_TypeError, "route(template, deprecated=False) is expected");
  file_under(as_exchange(object), arguments[0], count == 2 && arguments[1] == Py_True);
  Py_RETURN_NONE;
}

PyObject* end(PyObject* object, PyObject*) {
  end_exchange(as_exchange(object));
  Py_RETURN_NONE;
}

PyObject* leave(PyObject* object, PyObject*) {
  end_exchange(as_exchange(object));
  call_engine(g_bound.leave, as_exchange(object));
  Py_RETURN_NONE;
}

PyObject* fail(PyObject* object, PyObject* error) {
  note_failure(as_exchange(object), reinterpret_cast<PyObject*>(Py_TYPE(error)));
  Py_RETURN_NONE;
}

PyObject* get_receive(PyObject* object, void*) { return new_receiver(object); }

template <typename Function>
PyCFunction as_method(Function function) noexcept {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function));
}

PyMethodDef g_methods[] = {
    {"route", as_method(route), METH_FASTCALL, "File the request under this template. The last call counts."},
    {"unroute", unroute_exchange, METH_NOARGS, "A router takes over: what a mount named so far does not count."},
    {"end", end, METH_NOARGS, "The response is out, or will never be."},
    {"leave", leave, METH_NOARGS, "The call returned: end if nobody did, and give the context back."},
    {"fail", fail, METH_O, "The application raised instead of finishing."},
    {"wrap", wrap_body, METH_O, "WSGI: the body to give to the server."},
    {"close", close_body, METH_NOARGS, "WSGI: the server is done with the body."},
    {"finish", finish_wsgi, METH_NOARGS, "WSGI: end, and leave unless held."},
    {nullptr, nullptr, 0, nullptr},
};

#define HL_FIELD(name, type, flags) \
  { #name, type, offsetof(ExchangeObject, name), flags, nullptr }
PyMemberDef g_members[] = {
    HL_FIELD(token, T_OBJECT, READONLY),
    HL_FIELD(method, T_OBJECT, READONLY),
    HL_FIELD(prefix, T_OBJECT, 0),
    HL_FIELD(key, T_OBJECT, READONLY),
    HL_FIELD(source, T_OBJECT, 0),
    HL_FIELD(response, T_OBJECT, 0),
    HL_FIELD(server_call, T_OBJECT, READONLY),
    HL_FIELD(server_receive, T_OBJECT, READONLY),
    HL_FIELD(status, T_LONG, 0),
    HL_FIELD(flags, T_LONG, 0),
    HL_FIELD(received, T_PYSSIZET, 0),
    HL_FIELD(sent, T_PYSSIZET, 0),
    HL_FIELD(known, T_BOOL, 0),
    HL_FIELD(eager, T_BOOL, 0),
    HL_FIELD(final, T_BOOL, 0),
    HL_FIELD(held, T_BOOL, 0),
    HL_FIELD(open, T_BOOL, READONLY),
    {nullptr, 0, 0, 0, nullptr},
};
#undef HL_FIELD

PyGetSetDef g_attributes[] = {
    {"receive", get_receive, nullptr, "ASGI: the application's receive", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

}  // namespace

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"  // CPython's own macro; the next function fills in
PyTypeObject ExchangeType = {PyVarObject_HEAD_INIT(nullptr, 0)};
#pragma GCC diagnostic pop

bool prepare_exchange_types() noexcept {
  ExchangeType.tp_name = "heapledger._exchange.Exchange";
  ExchangeType.tp_basicsize = sizeof(ExchangeObject);
  ExchangeType.tp_dealloc = dealloc;
  ExchangeType.tp_vectorcall_offset = offsetof(ExchangeObject, call);
  ExchangeType.tp_call = PyVectorcall_Call;
  ExchangeType.tp_flags =
      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION;
  ExchangeType.tp_doc = "An open request.";
  ExchangeType.tp_traverse = traverse;
  ExchangeType.tp_clear = clear;
  ExchangeType.tp_iter = iterate_body;
  ExchangeType.tp_iternext = next_chunk;
  ExchangeType.tp_methods = g_methods;
  ExchangeType.tp_members = g_members;
  ExchangeType.tp_getset = g_attributes;
  return PyType_Ready(&ExchangeType) == 0;
}

bool prepare_spare() noexcept {
  if (g_spare_count > 0) return true;
  ExchangeObject* self = PyObject_GC_New(ExchangeObject, &ExchangeType);
  if (self == nullptr) {
    PyErr_Clear();
    return false;
  }
  memset(&self->call, 0, sizeof(ExchangeObject) - offsetof(ExchangeObject, call));
  Py_DECREF(reinterpret_cast<PyObject*>(self));  // into the list
  return true;
}

ExchangeObject* new_exchange(ExchangeKind kind, PyObject* token, PyObject* raw_method) noexcept {
  PyObject* known = PyDict_GetItemWithError(g_bound.methods, raw_method);
  if (known == nullptr && PyErr_Occurred() != nullptr) return nullptr;
  PyObject* method = known != nullptr ? Py_NewRef(known) : PyObject_CallOneArg(g_bound.method_of, raw_method);
  if (method == nullptr) return nullptr;
  if (g_spare_count == 0 && !prepare_spare()) {
    Py_DECREF(method);
    PyErr_NoMemory();
    return nullptr;
  }
  ExchangeObject* self = g_spare[--g_spare_count];
  PyObject_Init(reinterpret_cast<PyObject*>(self), &ExchangeType);
  memset(&self->call, 0, sizeof(ExchangeObject) - offsetof(ExchangeObject, call));
  self->call = kind == ExchangeKind::kAsgi ? call_as_send : call_as_start_response;
  self->kind = kind;
  self->open = 1;
  self->token = Py_NewRef(token);
  self->method = method;
  self->prefix = Py_NewRef(g_names.empty);
  self->request_type = Py_NewRef(g_names.empty);
  self->response_type = Py_NewRef(g_names.empty);
  PyObject_GC_Track(reinterpret_cast<PyObject*>(self));
  return self;
}

PyObject* unroute_exchange(PyObject* object, PyObject*) {
  as_exchange(object).known = 1;
  Py_CLEAR(as_exchange(object).key);
  Py_CLEAR(as_exchange(object).noted);
  Py_RETURN_NONE;
}

void file_under(ExchangeObject& self, PyObject* route, bool deprecated) noexcept {
  if (self.open == 0 || file_if_known(self, route, deprecated)) return;
  PyErr_Clear();
  if (!try_to_file(self, route, deprecated)) count_failure("route_failed");
}

void forget_known_endpoints() noexcept {
  for (KnownEndpoint& known : g_known_endpoints) {
    Py_CLEAR(known.method);
    Py_CLEAR(known.route);
    Py_CLEAR(known.key);
    Py_CLEAR(known.endpoint);
  }
}

void end_exchange(ExchangeObject& self) noexcept {
  if (self.open == 0) return;
  if (self.kind == ExchangeKind::kAsgi) {
    describe_asgi(self);
  } else if (self.kind == ExchangeKind::kGunicorn) {
    describe_gunicorn(self);
  } else {
    describe_wsgi(self);
  }
  if (PyErr_Occurred() != nullptr) count_failure("response_unread");
  close_row(self);
  if (self.kind != ExchangeKind::kAsgi && self.source != nullptr && PyDict_Check(self.source)) {
    if (PyDict_DelItem(self.source, g_names.key) != 0) PyErr_Clear();
  }
  Py_CLEAR(self.source);
  Py_CLEAR(self.response);
}

void note_failure(ExchangeObject& self, PyObject* exception_type) noexcept {
  if (PyErr_GivenExceptionMatches(exception_type, PyExc_Exception) != 0) {
    self.flags |= PyLong_AsLong(g_bound.raised);
    if (self.status == 0) self.status = 500;
    return;
  }
  const char* name = PyType_Check(exception_type) ? reinterpret_cast<PyTypeObject*>(exception_type)->tp_name : "";
  const char* dot = strrchr(name, '.');
  if (dot != nullptr) name = dot + 1;
  const bool left =
      strcmp(name, "CancelledError") == 0 || strcmp(name, "GeneratorExit") == 0 || strcmp(name, "GreenletExit") == 0;
  self.flags |= PyLong_AsLong(left ? g_bound.disconnected : g_bound.raised);
}

void forget_token(PyObject* token, const char* why) noexcept {
  count_failure(why);
  for (PyObject* function : {g_bound.discard, g_bound.leave}) {
    PyObject* done = PyObject_CallOneArg(function, token);
    if (done == nullptr) PyErr_Clear();
    Py_XDECREF(done);
  }
}

void call_engine(PyObject* function, ExchangeObject& self) noexcept {
  PyObject* done = PyObject_CallOneArg(function, self.token);
  if (done == nullptr) count_failure("engine_call_failed");
  Py_XDECREF(done);
}

PyObject* describe_response_headers(ExchangeObject& self, PyObject* pairs) noexcept {
  if (!PyList_CheckExact(pairs) && !PyTuple_CheckExact(pairs)) return nullptr;  // an iterator could be read only once
  PyObject* length = nullptr;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(pairs); ++i) {
    PyObject* pair = PySequence_Fast_GET_ITEM(pairs, i);
    if ((!PyTuple_Check(pair) && !PyList_Check(pair)) || PySequence_Fast_GET_SIZE(pair) != 2) continue;
    PyObject* name = PySequence_Fast_GET_ITEM(pair, 0);
    PyObject* value = PySequence_Fast_GET_ITEM(pair, 1);
    if (is_word(name, "content-type")) {
      Py_INCREF(value);  // the list is the service's, and an unknown type takes us through Python
      PyObject* type = clean_type(value);
      Py_DECREF(value);
      if (type == nullptr) return nullptr;
      Py_SETREF(self.response_type, type);
    } else if (is_word(name, "content-length")) {
      length = value;
    } else if (is_word(name, "content-encoding")) {
      self.response_encoding = encoding_code(value);
    } else if (is_word(name, "deprecation") || is_word(name, "sunset")) {
      self.deprecated = 1;
    }
  }
  return length;
}

}  // namespace heapledger::cpython
