// An exchange under ASGI: the application's send, and what the messages say.
#include "cpython/exchange_object.h"

namespace heapledger::cpython {
namespace {

ExchangeObject& as_exchange(PyObject* object) noexcept { return *reinterpret_cast<ExchangeObject*>(object); }

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

void take_down_request_type(ExchangeObject& self) noexcept {
  if (self.source == nullptr || (!PyList_Check(self.source) && !PyTuple_Check(self.source))) return;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(self.source); ++i) {
    PyObject* pair = PySequence_Fast_GET_ITEM(self.source, i);
    if ((!PyTuple_Check(pair) && !PyList_Check(pair)) || PySequence_Fast_GET_SIZE(pair) != 2) continue;
    if (!is_word(PySequence_Fast_GET_ITEM(pair, 0), "content-type")) continue;
    PyObject* type = clean_type(PySequence_Fast_GET_ITEM(pair, 1));
    if (type != nullptr) Py_SETREF(self.request_type, type);
    return;
  }
}

// Until this step of the event loop is over, the loop holds what the task waited for last: rows from a database, the
// result of an endpoint that ran in a thread. Where all that is alive is less than this, waiting costs more than it
// tells.
constexpr long long kWorthWaitingBytes = 16LL * 1024;

bool is_worth_waiting(ExchangeObject& self) noexcept {
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
  if (given == 1 && names == nullptr && note_message(self, arguments[0])) {
    return PyObject_CallFunctionObjArgs(g_bound.last, object, arguments[0], nullptr);
  }
  return PyObject_Vectorcall(self.server_call, arguments, static_cast<std::size_t>(given), names);
}

void describe_asgi(ExchangeObject& self) noexcept {
  take_down_request_type(self);
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

PyObject* finish_asgi(PyObject* object, PyObject*) {
  ExchangeObject& self = as_exchange(object);
  end_exchange(self);
  if (PyDict_DelItem(g_bound.open_exchanges, self.token) != 0) PyErr_Clear();
  if (self.scope != nullptr && PyObject_DelItem(self.scope, g_names.key) != 0) PyErr_Clear();
  Py_CLEAR(self.scope);
  leave_when_step_is_over(self);
  Py_RETURN_NONE;
}

PyObject* open_asgi(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 5) return PyErr_Format(PyExc_TypeError, "open_asgi(token, scope, receive, send, known) is expected");
  PyObject* scope = arguments[1];
  PyObject* method = PyObject_GetItem(scope, g_names.method);
  if (method == nullptr) return nullptr;
  PyObject* headers = PyObject_GetItem(scope, g_names.headers);
  ExchangeObject* self = headers == nullptr ? nullptr : new_exchange(ExchangeKind::kAsgi, arguments[0], method);
  Py_DECREF(method);
  if (self == nullptr) {
    Py_XDECREF(headers);
    return nullptr;
  }
  self->source = headers;
  self->scope = Py_NewRef(scope);
  self->server_receive = Py_NewRef(arguments[2]);
  self->server_call = Py_NewRef(arguments[3]);
  self->known = arguments[4] == Py_True ? 1 : 0;
  PyObject* object = reinterpret_cast<PyObject*>(self);
  if (PyDict_SetItem(g_bound.open_exchanges, self->token, object) != 0 ||
      PyObject_SetItem(scope, g_names.key, object) != 0) {
    Py_CLEAR(object);
  }
  return object;
}

}  // namespace heapledger::cpython
