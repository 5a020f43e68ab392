// An exchange under ASGI: the application's send, and what the messages say.
#include "cpython/exchange_passage.h"

namespace heapledger::cpython {
namespace {

ExchangeObject& as_exchange(PyObject* object) noexcept { return *reinterpret_cast<ExchangeObject*>(object); }

ExchangeObject* g_first_open = nullptr;

void link_open(ExchangeObject& self) noexcept {
  self.next_open = g_first_open;
  self.previous_open = &g_first_open;
  if (g_first_open != nullptr) g_first_open->previous_open = &self.next_open;
  g_first_open = &self;
}

// Borrowed, nullptr when absent or when the message is no dict.
PyObject* field(PyObject* message, PyObject* name) noexcept {
  PyObject* value = PyDict_Check(message) ? PyDict_GetItemWithError(message, name) : nullptr;
  if (value == nullptr) PyErr_Clear();
  return value;
}

bool is_true(PyObject* value) noexcept {
  const int truth = value == nullptr ? 0 : PyObject_IsTrue(value);
  if (truth < 0) PyErr_Clear();
  return truth == 1;
}

// Notes a message; true when the exchange has to end right after it was sent.
bool note_message(ExchangeObject& self, PyObject* message) noexcept {
  PyObject* type = field(message, g_names.type);
  if (type == nullptr) return false;
  if (is_word(type, "http.response.start")) {
    Py_XSETREF(self.response, Py_NewRef(message));
    start_sending(self);
    return false;
  }
  if (is_word(type, "http.response.body")) {
    PyObject* body = field(message, g_names.body);
    if (body != nullptr) self.sent += length_of(body);
    if (is_true(field(message, g_names.more_body))) {
      self.flags |= PyLong_AsLong(g_bound.streamed_out);
      return false;
    }
  } else if (!is_word(type, "http.response.pathsend")) {
    return false;
  }
  self.final = 1;
  return self.eager != 0 || self.known == 0;
}

// Of a request with a body all headers are looked at.
void take_down_request_headers(ExchangeObject& self) noexcept {
  if (self.source == nullptr || (!PyList_Check(self.source) && !PyTuple_Check(self.source))) return;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(self.source); ++i) {
    PyObject* pair = PySequence_Fast_GET_ITEM(self.source, i);
    if ((!PyTuple_Check(pair) && !PyList_Check(pair)) || PySequence_Fast_GET_SIZE(pair) != 2) continue;
    PyObject* name = PySequence_Fast_GET_ITEM(pair, 0);
    if (is_word(name, "content-encoding")) {
      self.request_encoding = encoding_code(PySequence_Fast_GET_ITEM(pair, 1));
    } else if (is_word(name, "content-type")) {
      PyObject* type = clean_type(PySequence_Fast_GET_ITEM(pair, 1));
      if (type != nullptr) Py_SETREF(self.request_type, type);
      if (self.received == 0) return;
    }
  }
}

// Until this step of the event loop is over, the loop holds what the task waited for last: rows from a database, the
// result of an endpoint that ran in a thread. Where all that is alive is less than this, waiting costs more than it
// tells.
constexpr long long kWorthWaitingBytes = 16LL * 1024;

bool is_worth_waiting(ExchangeObject& self) noexcept {
  if (self.waited == 0) return false;
  PyObject* live = PyObject_GetAttr(self.token, g_names.live_bytes);
  const long long bytes = live == nullptr ? kWorthWaitingBytes : PyLong_AsLongLong(live);
  Py_XDECREF(live);
  PyErr_Clear();
  return bytes >= kWorthWaitingBytes;
}

void leave_when_step_is_over(ExchangeObject& self) noexcept {
  PyObject* loop = is_worth_waiting(self) ? PyObject_CallNoArgs(g_bound.running_loop) : Py_NewRef(Py_None);
  if (loop == nullptr) count_failure("no_running_loop");
  if (loop == nullptr || loop == Py_None) {
    call_engine(g_bound.leave, self);
  } else {
    call_engine(g_bound.restore, self);
    PyObject* arguments[] = {loop, g_bound.leave, self.token};
    PyObject* handle = PyObject_VectorcallMethod(g_names.call_soon, arguments, 3, nullptr);
    if (handle == nullptr) {
      count_failure("call_soon_failed");
      call_engine(g_bound.leave, self);
    }
    Py_XDECREF(handle);
  }
  Py_XDECREF(loop);
}

}  // namespace

PyObject* call_as_send(PyObject* object, PyObject* const* arguments, std::size_t count, PyObject* names) {
  ExchangeObject& self = as_exchange(object);
  const Py_ssize_t given = PyVectorcall_NARGS(count);
  if (given == 1 && names == nullptr && note_message(self, arguments[0])) return new_last(object, arguments[0]);
  return PyObject_Vectorcall(self.server_call, arguments, static_cast<std::size_t>(given), names);
}

void describe_asgi(ExchangeObject& self) noexcept {
  take_down_request_headers(self);
  if (self.response == nullptr) return;
  PyObject* status = field(self.response, g_names.status);
  if (status != nullptr && PyLong_Check(status)) self.status = PyLong_AsLong(status);
  PyObject* headers = field(self.response, g_names.headers);
  if (headers != nullptr) describe_response_headers(self, headers);
}

bool headers_may_name_version(ExchangeObject& self) noexcept {
  if (!PyList_Check(self.source) && !PyTuple_Check(self.source)) return false;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(self.source); ++i) {
    PyObject* pair = PySequence_Fast_GET_ITEM(self.source, i);
    if ((!PyTuple_Check(pair) && !PyList_Check(pair)) || PySequence_Fast_GET_SIZE(pair) != 2) continue;
    PyObject* name = PySequence_Fast_GET_ITEM(pair, 0);
    if (is_word(name, "accept") || is_word(name, "content-type")) {
      if (PySet_Contains(g_bound.plain, PySequence_Fast_GET_ITEM(pair, 1)) != 1) return true;
    } else if (is_word(name, "accept-version") || is_word(name, "x-api-version") || is_word(name, "api-version")) {
      return true;
    }
  }
  return false;
}

void finish_asgi(ExchangeObject& self) noexcept {
  end_exchange(self);
  unlink_open(self);
  if (self.scope != nullptr && PyObject_DelItem(self.scope, g_names.key) != 0) PyErr_Clear();
  Py_CLEAR(self.scope);
  leave_when_step_is_over(self);
}

void note_received(ExchangeObject& self, PyObject* message) noexcept {
  PyObject* type = field(message, g_names.type);
  if (type == nullptr) {
    count_failure("receive_unread");
  } else if (is_word(type, "http.request")) {
    PyObject* body = field(message, g_names.body);
    if (body != nullptr && is_true(body)) {
      PyObject* done = PyObject_CallOneArg(g_bound.adopt, body);
      if (done == nullptr) count_failure("receive_unread");
      Py_XDECREF(done);
      self.received += length_of(body);
    }
    if (is_true(field(message, g_names.more_body))) {
      self.flags |= PyLong_AsLong(g_bound.streamed_in);
    } else {
      self.arrived = 1;
    }
  } else if (self.final == 0) {
    self.flags |= PyLong_AsLong(g_bound.disconnected);
  }
}

PyObject* open_asgi(PyObject* token, PyObject* scope, PyObject* receive, PyObject* send, bool known) noexcept {
  PyObject* method = PyObject_GetItem(scope, g_names.method);
  if (method == nullptr) return nullptr;
  PyObject* headers = PyObject_GetItem(scope, g_names.headers);
  ExchangeObject* self = headers == nullptr ? nullptr : new_exchange(ExchangeKind::kAsgi, token, method);
  Py_DECREF(method);
  if (self == nullptr) {
    Py_XDECREF(headers);
    return nullptr;
  }
  self->source = headers;
  self->scope = Py_NewRef(scope);
  self->server_receive = Py_NewRef(receive);
  self->server_call = Py_NewRef(send);
  self->known = known ? 1 : 0;
  link_open(*self);
  PyObject* object = reinterpret_cast<PyObject*>(self);
  if (PyObject_SetItem(scope, g_names.key, object) != 0) Py_CLEAR(object);
  return object;
}

void unlink_open(ExchangeObject& self) noexcept {
  if (self.previous_open == nullptr) return;
  *self.previous_open = self.next_open;
  if (self.next_open != nullptr) self.next_open->previous_open = self.previous_open;
  self.previous_open = nullptr;
  self.next_open = nullptr;
}

// Those who ask are few: background tasks, which are handed no scope.
PyObject* exchange_of(PyObject*, PyObject* token) {
  for (ExchangeObject* exchange = g_first_open; exchange != nullptr; exchange = exchange->next_open) {
    if (exchange->token == token) return Py_NewRef(reinterpret_cast<PyObject*>(exchange));
  }
  Py_RETURN_NONE;
}

}  // namespace heapledger::cpython
