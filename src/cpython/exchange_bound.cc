#include "cpython/exchange_bound.h"

#include <cstring>
#include <iterator>

#include "cpython/exchange_object.h"

namespace heapledger::cpython {

Bound g_bound{};
Names g_names{};

namespace {

struct Entry {
  const char* name;
  PyObject** place;
};

const Entry kBound[] = {
    {"begin", &g_bound.begin},
    {"end", &g_bound.end},
    {"leave", &g_bound.leave},
    {"restore", &g_bound.restore},
    {"discard", &g_bound.discard},
    {"current", &g_bound.current},
    {"enter_phase", &g_bound.enter_phase},
    {"leave_phase", &g_bound.leave_phase},
    {"begin_sending", &g_bound.begin_sending},
    {"reading", &g_bound.reading},
    {"raised", &g_bound.raised},
    {"streamed_in", &g_bound.streamed_in},
    {"streamed_out", &g_bound.streamed_out},
    {"disconnected", &g_bound.disconnected},
    {"ids", &g_bound.ids},
    {"methods", &g_bound.methods},
    {"types", &g_bound.types},
    {"plain", &g_bound.plain},
    {"open_exchanges", &g_bound.open_exchanges},
    {"find", &g_bound.find},
    {"find_asked", &g_bound.find_asked},
    {"content_type", &g_bound.content_type},
    {"method_of", &g_bound.method_of},
    {"count", &g_bound.count},
    {"asked_of_environ", &g_bound.asked_of_environ},
    {"asked_of_headers", &g_bound.asked_of_headers},
    {"adopt", &g_bound.adopt},
    {"closing", &g_bound.closing},
    {"counting", &g_bound.counting},
    {"running_loop", &g_bound.running_loop},
    {"rule_of_other_method", &g_bound.rule_of_other_method},
    {"named", &g_bound.named},
    {"rename", &g_bound.rename},
    {"notice", &g_bound.notice},
    {"unmatched", &g_bound.unmatched},
    {"app", &g_bound.app},
    {"ignored", &g_bound.ignored},
};

const Entry kNames[] = {
    {"heapledger.request", &g_names.key},
    {"", &g_names.empty},
    {"endpoint", &g_names.endpoint},
    {"live_bytes", &g_names.live_bytes},
    {"received_bytes", &g_names.received_bytes},
    {"sent_bytes", &g_names.sent_bytes},
    {"close", &g_names.close},
    {"throw", &g_names.throw_},
    {"value", &g_names.value},
    {"call_soon", &g_names.call_soon},
    {"REQUEST_METHOD", &g_names.request_method},
    {"CONTENT_TYPE", &g_names.content_type},
    {"CONTENT_LENGTH", &g_names.content_length},
    {"HTTP_TRANSFER_ENCODING", &g_names.transfer_encoding},
    {"HTTP_CONTENT_ENCODING", &g_names.content_encoding},
    {"request_encoding", &g_names.request_encoding},
    {"response_encoding", &g_names.response_encoding},
    {"wsgi.file_wrapper", &g_names.file_wrapper},
    {"HTTP_ACCEPT", &g_names.accept},
    {"HTTP_ACCEPT_VERSION", &g_names.version_keys[0]},
    {"HTTP_X_API_VERSION", &g_names.version_keys[1]},
    {"HTTP_API_VERSION", &g_names.version_keys[2]},
    {"method", &g_names.method},
    {"headers", &g_names.headers},
    {"type", &g_names.type},
    {"body", &g_names.body},
    {"more_body", &g_names.more_body},
    {"status", &g_names.status},
    {"status_code", &g_names.status_code},
    {"sent", &g_names.sent},
    {"response_length", &g_names.response_length},
    {"request", &g_names.request},
    {"environ", &g_names.environ},
    {"url_rule", &g_names.url_rule},
    {"rule", &g_names.rule},
    {"SCRIPT_NAME", &g_names.script_name},
    {"get", &g_names.get},
    {"path", &g_names.path},
    {"deprecated", &g_names.deprecated},
    {"fastapi", &g_names.fastapi},
    {"effective_route_context", &g_names.effective_route_context},
    {"original_route", &g_names.original_route},
};

// Content types as they were sent last: servers make a new bytes object for each response.
struct CleanType {
  PyObject* type;
  Py_ssize_t length;
  char raw[48];
};
CleanType g_clean_types[8];

CleanType& known_type(const char* raw, Py_ssize_t length) noexcept {
  return g_clean_types[static_cast<std::size_t>(length + raw[length - 1]) % std::size(g_clean_types)];
}

}  // namespace

bool make_names() noexcept {
  for (const Entry& entry : kNames) {
    if (*entry.place == nullptr) *entry.place = PyUnicode_InternFromString(entry.name);
    if (*entry.place == nullptr) return false;
  }
  return true;
}

PyObject* bind(PyObject*, PyObject* names) {
  if (!PyDict_Check(names)) {
    PyErr_SetString(PyExc_TypeError, "a dict is expected");
    return nullptr;
  }
  for (const Entry& entry : kBound) {
    PyObject* value = PyDict_GetItemString(names, entry.name);
    if (value == nullptr) return PyErr_Format(PyExc_KeyError, "%s", entry.name);
    Py_XSETREF(*entry.place, Py_NewRef(value));
  }
  const bool tables = PyDict_Check(g_bound.ids) && PyDict_Check(g_bound.methods) && PyDict_Check(g_bound.types) &&
                      PyAnySet_Check(g_bound.plain) && PyDict_Check(g_bound.open_exchanges) &&
                      PyDict_Check(g_bound.named);
  if (!tables) {
    PyErr_SetString(PyExc_TypeError, "ids, methods, types, open_exchanges and named are dicts, plain is a set");
    return nullptr;
  }
  forget_known_endpoints();
  for (CleanType& known : g_clean_types) Py_CLEAR(known.type);
  Py_RETURN_NONE;
}

void count_failure(const char* what) noexcept {
  PyErr_Clear();
  PyObject* done = g_bound.count == nullptr ? nullptr : PyObject_CallFunction(g_bound.count, "s", what);
  if (done == nullptr) PyErr_Clear();
  Py_XDECREF(done);
}

bool is_word(PyObject* text, std::string_view lower_case) noexcept {
  const char* bytes = nullptr;
  if (PyBytes_Check(text)) {
    if (static_cast<std::size_t>(PyBytes_GET_SIZE(text)) != lower_case.size()) return false;
    bytes = PyBytes_AS_STRING(text);
  } else if (PyUnicode_Check(text) && PyUnicode_IS_COMPACT_ASCII(text)) {
    if (static_cast<std::size_t>(PyUnicode_GET_LENGTH(text)) != lower_case.size()) return false;
    bytes = static_cast<const char*>(PyUnicode_DATA(text));
  } else {
    return false;
  }
  if (memcmp(bytes, lower_case.data(), lower_case.size()) == 0) return true;  // as servers send them
  for (std::size_t i = 0; i < lower_case.size(); ++i) {
    const char letter = bytes[i] >= 'A' && bytes[i] <= 'Z' ? static_cast<char>(bytes[i] + ('a' - 'A')) : bytes[i];
    if (letter != lower_case[i]) return false;
  }
  return true;
}

Py_ssize_t length_of(PyObject* sized) noexcept {
  if (PyBytes_Check(sized)) return PyBytes_GET_SIZE(sized);
  const Py_ssize_t length = PyObject_Length(sized);
  if (length >= 0) return length;
  PyErr_Clear();
  return 0;
}

long long number_in(PyObject* text) noexcept {
  if (!PyUnicode_Check(text) || !PyUnicode_IS_COMPACT_ASCII(text)) return -1;
  const Py_ssize_t length = PyUnicode_GET_LENGTH(text);
  if (length == 0 || length > 18) return -1;
  const char* digits = static_cast<const char*>(PyUnicode_DATA(text));
  long long number = 0;
  for (Py_ssize_t i = 0; i < length; ++i) {
    if (digits[i] < '0' || digits[i] > '9') return -1;
    number = number * 10 + (digits[i] - '0');
  }
  return number;
}

// The codes are ledger::Encoding's, which this module does not see.
long encoding_code(PyObject* raw) noexcept {
  constexpr std::string_view kNames[][2] = {{"identity", ""}, {"gzip", "x-gzip"}, {"deflate", ""},
                                            {"br", ""},       {"zstd", ""},       {"compress", "x-compress"}};
  for (std::size_t code = 0; code < std::size(kNames); ++code) {
    for (const std::string_view name : kNames[code]) {
      if (is_word(raw, name)) return name.empty() ? 0 : static_cast<long>(code);
    }
  }
  return static_cast<long>(std::size(kNames));
}

PyObject* clean_type(PyObject* raw) noexcept {
  CleanType* kept = nullptr;
  if (PyBytes_Check(raw) && PyBytes_GET_SIZE(raw) > 0 && PyBytes_GET_SIZE(raw) <= Py_ssize_t{sizeof(CleanType::raw)}) {
    const Py_ssize_t length = PyBytes_GET_SIZE(raw);
    kept = &known_type(PyBytes_AS_STRING(raw), length);
    const bool same = kept->type != nullptr && kept->length == length &&
                      memcmp(kept->raw, PyBytes_AS_STRING(raw), static_cast<std::size_t>(length)) == 0;
    if (same) return Py_NewRef(kept->type);
  }
  PyObject* known = PyDict_GetItemWithError(g_bound.types, raw);
  if (known != nullptr) {
    if (kept != nullptr) {
      Py_XSETREF(kept->type, Py_NewRef(known));
      kept->length = PyBytes_GET_SIZE(raw);
      memcpy(kept->raw, PyBytes_AS_STRING(raw), static_cast<std::size_t>(kept->length));
    }
    return Py_NewRef(known);
  }
  if (PyErr_Occurred() != nullptr) return nullptr;
  return PyObject_CallOneArg(g_bound.content_type, raw);
}

}  // namespace heapledger::cpython
