// An exchange under WSGI: the application's start_response, and the body that the server gets to see.
//
// Servers look at a body: lists and tuples keep their length (SizedBody), `wsgi.file_wrapper` results pass as they are
// (g_bound.closing puts a callback into their `close`). For the rest an iterator with `close` is all that is promised.
#include "cpython/exchange_object.h"

namespace heapledger::cpython {
namespace {

ExchangeObject& as_exchange(PyObject* object) noexcept { return *reinterpret_cast<ExchangeObject*>(object); }

struct SizedBodyObject {
  PyObject_HEAD PyObject* exchange;
  Py_ssize_t length;
};

SizedBodyObject& as_sized(PyObject* object) noexcept { return *reinterpret_cast<SizedBodyObject*>(object); }

void sized_dealloc(PyObject* object) {
  Py_CLEAR(as_sized(object).exchange);
  PyObject_Free(object);
}

PyObject* sized_iter(PyObject* object) { return iterate_body(as_sized(object).exchange); }
Py_ssize_t sized_length(PyObject* object) { return as_sized(object).length; }
PyObject* sized_close(PyObject* object, PyObject*) { return close_body(as_sized(object).exchange, nullptr); }

PySequenceMethods g_sized_sequence{};
PyMethodDef g_sized_methods[] = {
    {"close", sized_close, METH_NOARGS, "The server is done."},
    {nullptr, nullptr, 0, nullptr},
};

// Ends it now; the error indicator stays what it is.
void end_with_errors_kept(ExchangeObject& self) noexcept {
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  end_exchange(self);
  call_engine(g_bound.restore, self);
  PyErr_Restore(type, value, traceback);
}

long status_in(PyObject* line) noexcept {
  if (!PyUnicode_Check(line) || PyUnicode_GET_LENGTH(line) < 3) return 0;
  long status = 0;
  for (Py_ssize_t i = 0; i < 3; ++i) {
    const Py_UCS4 digit = PyUnicode_READ_CHAR(line, i);
    if (digit < '0' || digit > '9') return 0;
    status = status * 10 + static_cast<long>(digit - '0');
  }
  return status;
}

// What came in, by the request's own headers.
void describe_environ(ExchangeObject& self) noexcept {
  PyObject* environ = self.source;
  if (environ == nullptr || !PyDict_Check(environ)) return;
  PyObject* length = PyDict_GetItemWithError(environ, g_names.content_length);
  const long long number = length == nullptr ? -1 : number_in(length);
  if (number > 0) self.received = static_cast<Py_ssize_t>(number);  // else what CountedInput saw, if there is one
  if (number < 0 && PyDict_Contains(environ, g_names.transfer_encoding) == 1) {
    self.flags |= PyLong_AsLong(g_bound.streamed_in);
  }
  PyObject* encoding = PyDict_GetItemWithError(environ, g_names.content_encoding);
  if (encoding != nullptr) self.request_encoding = encoding_code(encoding);
  PyObject* raw = PyDict_GetItemWithError(environ, g_names.content_type);
  if (raw == nullptr || !PyUnicode_Check(raw) || PyUnicode_GET_LENGTH(raw) == 0) return;
  PyObject* type = clean_type(raw);
  if (type != nullptr) Py_SETREF(self.request_type, type);
}

// A body of unannounced length: what the application reads of it is counted.
void count_chunked_input(PyObject* exchange, PyObject* environ) noexcept {
  if (PyDict_GetItemWithError(environ, g_names.transfer_encoding) == nullptr) return;
  PyObject* length = PyDict_GetItemWithError(environ, g_names.content_length);
  if (length != nullptr && number_in(length) >= 0) return;
  PyObject* done = PyObject_CallFunctionObjArgs(g_bound.counting, exchange, environ, nullptr);
  if (done == nullptr) count_failure("input_not_counted");
  Py_XDECREF(done);
}

PyObject* wrap_sized(PyObject* exchange, PyObject* body) {
  SizedBodyObject* sized = PyObject_New(SizedBodyObject, &SizedBodyType);
  if (sized == nullptr) return nullptr;
  sized->exchange = Py_NewRef(exchange);
  sized->length = PySequence_Fast_GET_SIZE(body);
  return reinterpret_cast<PyObject*>(sized);
}

bool prepare_sized_body() noexcept {
  SizedBodyType.tp_name = "heapledger._exchange.SizedBody";
  SizedBodyType.tp_basicsize = sizeof(SizedBodyObject);
  SizedBodyType.tp_dealloc = sized_dealloc;
  SizedBodyType.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION;
  SizedBodyType.tp_doc = "The body that was a list or tuple.";
  g_sized_sequence.sq_length = sized_length;
  SizedBodyType.tp_as_sequence = &g_sized_sequence;
  SizedBodyType.tp_iter = sized_iter;
  SizedBodyType.tp_methods = g_sized_methods;
  return PyType_Ready(&SizedBodyType) == 0;
}

}  // namespace

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
PyTypeObject SizedBodyType = {PyVarObject_HEAD_INIT(nullptr, 0)};
#pragma GCC diagnostic pop

PyObject* call_as_start_response(PyObject* object, PyObject* const* arguments, std::size_t count, PyObject* names) {
  ExchangeObject& self = as_exchange(object);
  if (self.server_call == nullptr) return PyErr_Format(PyExc_TypeError, "this request has no start_response");
  const Py_ssize_t given = PyVectorcall_NARGS(count);
  if (given >= 2) {
    PyObject* started = PyTuple_Pack(2, arguments[0], arguments[1]);
    if (started == nullptr) return nullptr;
    Py_XSETREF(self.response, started);
    if (self.body != nullptr) start_sending(self);
  }
  return PyObject_Vectorcall(self.server_call, arguments, static_cast<std::size_t>(given), names);
}

PyObject* iterate_body(PyObject* object) {
  ExchangeObject& self = as_exchange(object);
  if (self.body != nullptr && self.iterator == nullptr) {
    self.iterator = PyObject_GetIter(self.body);
    if (self.iterator == nullptr) return nullptr;
  }
  return Py_NewRef(object);
}

PyObject* next_chunk(PyObject* object) {
  ExchangeObject& self = as_exchange(object);
  if (self.iterator == nullptr) {
    if (self.body == nullptr) return nullptr;
    self.iterator = PyObject_GetIter(self.body);
    if (self.iterator == nullptr) return nullptr;
  }
  PyObject* iterator = Py_NewRef(self.iterator);  // the application may close the body from within
  PyObject* chunk = Py_TYPE(iterator)->tp_iternext(iterator);
  Py_DECREF(iterator);
  if (chunk != nullptr) {
    self.sent += length_of(chunk);
    ++self.chunks;
    return chunk;
  }
  self.exhausted = 1;
  PyObject* error = PyErr_Occurred();
  if (error != nullptr && PyErr_GivenExceptionMatches(error, PyExc_StopIteration) == 0) {
    note_failure(self, error);
  } else if (self.eager != 0) {
    end_with_errors_kept(self);
  }
  return nullptr;
}

PyObject* close_body(PyObject* object, PyObject*) {
  ExchangeObject& self = as_exchange(object);
  PyObject* body = self.body;
  if (body == nullptr) Py_RETURN_NONE;
  if (self.exhausted == 0 && self.sized == 0 && !is_word(self.method, "head")) {
    self.flags |= PyLong_AsLong(g_bound.disconnected);
  }
  self.body = nullptr;
  Py_CLEAR(self.iterator);
  PyObject* close = PyObject_GetAttr(body, g_names.close);
  if (close == nullptr && PyErr_ExceptionMatches(PyExc_AttributeError) != 0) PyErr_Clear();
  PyObject* closed = close == nullptr ? nullptr : PyObject_CallNoArgs(close);
  Py_XDECREF(closed);
  Py_XDECREF(close);
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  Py_DECREF(body);  // what the response holds goes before the books of the request are closed
  Py_XDECREF(finish_wsgi(object, nullptr));
  PyErr_Restore(type, value, traceback);
  if (type != nullptr) return nullptr;
  Py_RETURN_NONE;
}

PyObject* wrap_body(PyObject* object, PyObject* body) {
  ExchangeObject& self = as_exchange(object);
  PyObject* wrapper = self.source != nullptr && PyDict_Check(self.source)
                          ? PyDict_GetItemWithError(self.source, g_names.file_wrapper)
                          : nullptr;
  if (wrapper != nullptr && PyType_Check(wrapper)) {
    const int is_file = PyObject_IsInstance(body, wrapper);
    if (is_file == 1) return PyObject_CallFunctionObjArgs(g_bound.closing, object, body, nullptr);
  }
  if (PyErr_Occurred() != nullptr) count_failure("wsgi_body_unread");
  Py_XSETREF(self.body, Py_NewRef(body));
  if (self.response != nullptr) start_sending(self);  // else a generator that has not begun
  if (!PyList_CheckExact(body) && !PyTuple_CheckExact(body)) return Py_NewRef(object);
  self.sized = 1;
  return wrap_sized(object, body);
}

PyObject* finish_wsgi(PyObject* object, PyObject*) {
  ExchangeObject& self = as_exchange(object);
  end_exchange(self);
  call_engine(self.held != 0 ? g_bound.restore : g_bound.leave, self);
  Py_RETURN_NONE;
}

void describe_wsgi(ExchangeObject& self) noexcept {
  PyObject* length = nullptr;
  if (self.response != nullptr && PyTuple_Check(self.response)) {
    if (const long status = status_in(PyTuple_GET_ITEM(self.response, 0)); status != 0) self.status = status;
    length = describe_response_headers(self, PyTuple_GET_ITEM(self.response, 1));
  }
  describe_environ(self);
  if (self.chunks > 1) {
    self.flags |= PyLong_AsLong(g_bound.streamed_out);
  } else if (length != nullptr && (self.chunks == 0 || self.exhausted != 0) && !is_word(self.method, "head")) {
    // A file that went to sendfile, or what start_response's write() sent.
    const long long announced = number_in(length);
    if (announced > self.sent) self.sent = static_cast<Py_ssize_t>(announced);
  }
}

void describe_gunicorn(ExchangeObject& self) noexcept {
  if (self.response == nullptr) return;
  PyObject* status = PyObject_GetAttr(self.response, g_names.status_code);
  if (status != nullptr && PyLong_Check(status)) self.status = PyLong_AsLong(status);
  Py_XDECREF(status);
  PyErr_Clear();  // an application that never called start_response has none
  PyObject* sent = PyObject_GetAttr(self.response, g_names.sent);
  if (sent != nullptr && PyLong_Check(sent)) self.sent = PyLong_AsSsize_t(sent);
  Py_XDECREF(sent);
  PyObject* length = PyObject_GetAttr(self.response, g_names.response_length);
  if (length == Py_None && self.sent > 0) self.flags |= PyLong_AsLong(g_bound.streamed_out);
  Py_XDECREF(length);
  PyObject* headers = PyObject_GetAttr(self.response, g_names.headers);
  if (headers != nullptr) describe_response_headers(self, headers);
  Py_XDECREF(headers);
  describe_environ(self);
}

bool environ_may_name_version(ExchangeObject& self) noexcept {
  PyObject* environ = self.source;
  if (!PyDict_Check(environ)) return false;
  for (PyObject* key : g_names.version_keys) {
    if (PyDict_GetItemWithError(environ, key) != nullptr) return true;
  }
  for (PyObject* key : {g_names.accept, g_names.content_type}) {
    PyObject* value = PyDict_GetItemWithError(environ, key);
    if (value != nullptr && PySet_Contains(g_bound.plain, value) != 1) return true;
  }
  return false;
}

PyObject* open_wsgi(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 4) return PyErr_Format(PyExc_TypeError, "open_wsgi(token, environ, start_response, known) is expected");
  static const bool ready = prepare_sized_body();
  if (!ready) return PyErr_Format(PyExc_SystemError, "no type for bodies");
  PyObject* environ = arguments[1];
  if (!PyDict_Check(environ)) return PyErr_Format(PyExc_TypeError, "environ is no dict");
  PyObject* method = PyDict_GetItemWithError(environ, g_names.request_method);
  if (method == nullptr) return PyErr_Format(PyExc_KeyError, "REQUEST_METHOD");
  ExchangeObject* self = new_exchange(ExchangeKind::kWsgi, arguments[0], method);
  if (self == nullptr) return nullptr;
  self->source = Py_NewRef(environ);
  self->server_call = Py_NewRef(arguments[2]);
  self->known = arguments[3] == Py_True ? 1 : 0;
  PyObject* object = reinterpret_cast<PyObject*>(self);
  if (PyDict_SetItem(environ, g_names.key, object) != 0) Py_CLEAR(object);
  if (object != nullptr) count_chunked_input(object, environ);
  return object;
}

PyObject* open_gunicorn(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 2) return PyErr_Format(PyExc_TypeError, "open_gunicorn(token, method) is expected");
  return reinterpret_cast<PyObject*>(new_exchange(ExchangeKind::kGunicorn, arguments[0], arguments[1]));
}

}  // namespace heapledger::cpython
