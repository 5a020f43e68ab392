// Where frameworks are entered: an application's call around a WSGI request, and the routes as they become known.
#include "cpython/exchange_object.h"

namespace heapledger::cpython {
namespace {

constexpr Py_ssize_t kMostArguments = 4;

ExchangeObject& as_exchange(PyObject* object) noexcept { return *reinterpret_cast<ExchangeObject*>(object); }

// What the application raised is passed on; the request is over.
PyObject* fail_and_finish(PyObject* exchange) noexcept {
  note_failure(as_exchange(exchange), PyErr_Occurred());
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  Py_XDECREF(finish_wsgi(exchange, nullptr));
  PyErr_Restore(type, value, traceback);
  return nullptr;
}

// Files it under a template that is an attribute of `route`, behind `prefix`.
bool file_attribute(ExchangeObject& exchange, PyObject* route, PyObject* name, PyObject* prefix, bool deprecated) {
  PyObject* template_text = PyObject_GetAttr(route, name);
  if (template_text == nullptr) return false;
  const bool bare = prefix == nullptr || !PyUnicode_Check(prefix) || PyUnicode_GET_LENGTH(prefix) == 0;
  PyObject* whole = bare ? Py_NewRef(template_text) : PyUnicode_Concat(prefix, template_text);
  Py_DECREF(template_text);
  if (whole == nullptr) return false;
  file_under(exchange, whole, deprecated);
  Py_DECREF(whole);
  return true;
}

bool name_flask_rule(PyObject* context, PyObject* request, PyObject* environ) {
  PyObject* exchange = exchange_in(environ);
  if (exchange == nullptr) return true;
  ExchangeObject& self = as_exchange(exchange);
  self.known = 1;
  PyObject* rule = PyObject_GetAttr(request, g_names.url_rule);
  if (rule == nullptr) return false;
  bool done = true;
  PyObject* prefix = self.prefix;
  if (PyUnicode_GET_LENGTH(prefix) == 0) prefix = PyDict_GetItemWithError(environ, g_names.script_name);
  if (rule != Py_None) {
    done = file_attribute(self, rule, g_names.rule, prefix, false);
  } else {
    PyObject* other = PyObject_CallFunctionObjArgs(g_bound.rule_of_other_method, context, request, nullptr);
    done = other != nullptr && (other == Py_None || file_attribute(self, other, g_names.rule, prefix, false));
    Py_XDECREF(other);
  }
  Py_DECREF(rule);
  return done;
}

// The route with the whole template: itself, or what FastAPI made of it where its router was included. Borrowed.
PyObject* effective_route(PyObject* route, PyObject* scope) noexcept {
  PyObject* inclusion = PyDict_GetItemWithError(scope, g_names.fastapi);
  if (inclusion == nullptr || !PyDict_Check(inclusion)) return route;
  PyObject* context = PyDict_GetItemWithError(inclusion, g_names.effective_route_context);
  if (context == nullptr || context == Py_None) return route;
  PyObject* original = PyObject_GetAttr(context, g_names.original_route);
  if (original == nullptr) PyErr_Clear();
  const bool same = original == route;
  Py_XDECREF(original);
  return same ? context : route;
}

// An application below the one that the exchange was opened for; of gunicorn's exchange it may be the first.
PyObject* call_within(PyObject* outer, PyObject* application, PyObject* const* arguments, Py_ssize_t given) noexcept {
  ExchangeObject& exchange = as_exchange(outer);
  Py_INCREF(outer);
  ++exchange.calls;
  PyObject* body = PyObject_Vectorcall(application, arguments, static_cast<std::size_t>(given), nullptr);
  --exchange.calls;
  if (body != nullptr && exchange.calls == 0 && exchange.kind == ExchangeKind::kGunicorn) start_sending(exchange);
  Py_DECREF(outer);
  return body;
}

}  // namespace

void start_sending(ExchangeObject& self) noexcept {
  if (self.sending != 0) return;
  self.sending = 1;
  call_engine(g_bound.begin_sending, self);
}

PyObject* exchange_in(PyObject* mapping) noexcept {
  if (!PyDict_Check(mapping)) return nullptr;
  PyObject* found = PyDict_GetItemWithError(mapping, g_names.key);
  if (found == nullptr) PyErr_Clear();
  return found != nullptr && Py_TYPE(found) == &ExchangeType ? found : nullptr;
}

PyObject* enter_wsgi(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  const Py_ssize_t given = count - 2;  // what the application is called with
  if (given < 2 || given > kMostArguments)
    return PyErr_Format(PyExc_TypeError, "enter_wsgi(known, app, ...) is expected");
  PyObject* application = arguments[1];
  PyObject* environ = arguments[count - 2];
  if (PyObject* outer = exchange_in(environ); outer != nullptr) {
    if (arguments[0] == Py_True) Py_XDECREF(unroute_exchange(outer, nullptr));
    return call_within(outer, application, arguments + 2, given);
  }
  PyObject* token = PyObject_CallNoArgs(g_bound.begin);
  if (token == nullptr) PyErr_Clear();
  PyObject* exchange = nullptr;
  if (token != nullptr && token != Py_None) {
    PyObject* opening[] = {token, environ, arguments[count - 1], arguments[0]};
    exchange = open_wsgi(nullptr, opening, 4);
    if (exchange == nullptr) forget_token(token, "wsgi_begin_failed");
  }
  Py_XDECREF(token);
  if (exchange == nullptr)
    return PyObject_Vectorcall(application, arguments + 2, static_cast<std::size_t>(given), nullptr);
  PyObject* passed[kMostArguments];
  for (Py_ssize_t i = 0; i < given; ++i) passed[i] = arguments[i + 2];
  passed[given - 1] = exchange;
  PyObject* body = PyObject_Vectorcall(application, passed, static_cast<std::size_t>(given), nullptr);
  PyObject* wrapped = body == nullptr ? fail_and_finish(exchange) : wrap_body(exchange, body);
  Py_XDECREF(body);
  Py_DECREF(exchange);
  return wrapped;
}

PyObject* note_flask(PyObject*, PyObject* context) {
  PyObject* request = PyObject_GetAttr(context, g_names.request);
  PyObject* environ = request == nullptr ? nullptr : PyObject_GetAttr(request, g_names.environ);
  if (environ == nullptr || !name_flask_rule(context, request, environ)) count_failure("flask_rule_unread");
  Py_XDECREF(environ);
  Py_XDECREF(request);
  Py_RETURN_NONE;
}

PyObject* note_starlette(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  PyObject* exchange = count == 2 ? exchange_in(arguments[1]) : nullptr;
  if (exchange == nullptr) Py_RETURN_NONE;
  ExchangeObject& self = as_exchange(exchange);
  self.known = 1;
  PyObject* effective = effective_route(arguments[0], arguments[1]);
  if (self.noted == effective && self.noted_prefix == self.prefix) Py_RETURN_NONE;  // its base class handles it
  PyObject* route = Py_NewRef(effective);
  PyObject* deprecated = PyObject_GetAttr(route, g_names.deprecated);
  if (deprecated == nullptr) PyErr_Clear();
  const bool is_deprecated = deprecated == Py_True;
  Py_XDECREF(deprecated);
  if (!file_attribute(self, route, g_names.path, self.prefix, is_deprecated)) count_failure("starlette_route_unread");
  Py_XSETREF(self.noted, route);
  Py_XSETREF(self.noted_prefix, Py_NewRef(self.prefix));
  Py_RETURN_NONE;
}

}  // namespace heapledger::cpython
