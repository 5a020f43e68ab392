// What an exchange calls: the engine's functions and the adapters' own, handed over once by heapledger.adapters. Kept
// apart from the engine's symbols so that the adapters' tests run the same code on a double of the engine. GIL held.
#pragma once

#include <cstddef>
#include <string_view>

#include "cpython/compat.h"

namespace heapledger::cpython {

struct Bound {
  // heapledger._engine
  PyObject *begin, *end, *leave, *restore, *discard;
  PyObject *current, *enter_phase, *leave_phase, *begin_sending, *reading;
  PyObject *raised, *streamed_in, *streamed_out, *disconnected;
  // heapledger.adapters
  PyObject *ids, *methods, *types, *plain, *open_exchanges;
  PyObject *find, *find_asked, *content_type, *method_of, *count;
  PyObject *asked_of_environ, *asked_of_headers;
  PyObject *adopt, *closing, *counting, *running_loop, *rule_of_other_method;
  PyObject *named, *rename, *notice;
  PyObject *unmatched, *app, *ignored;
};
extern Bound g_bound;

struct Names {
  PyObject *key, *empty, *endpoint, *live_bytes, *received_bytes, *sent_bytes, *close, *throw_, *value, *call_soon;
  PyObject *request_method, *content_type, *content_length, *transfer_encoding, *file_wrapper, *accept;
  PyObject *content_encoding, *request_encoding, *response_encoding;
  PyObject* version_keys[3];
  PyObject *method, *headers, *type, *body, *more_body, *status;
  PyObject *status_code, *sent, *response_length;
  PyObject *request, *environ, *url_rule, *rule, *script_name;
  PyObject *get, *path, *deprecated, *fastapi, *effective_route_context, *original_route;
};
extern Names g_names;

// False: exception set.
bool make_names() noexcept;

// Module function bind(names): a dict with everything in Bound. Again: replaces it.
PyObject* bind(PyObject* module, PyObject* names);

// An exception of our own code: counted under this name, never raised.
void count_failure(const char* what) noexcept;

// Whether a str or bytes object is this lower-case ASCII word, in any case.
bool is_word(PyObject* text, std::string_view lower_case) noexcept;

// The length of anything with a length, 0 of what has none.
Py_ssize_t length_of(PyObject* sized) noexcept;

// A str of decimal digits as a number, -1 for anything else.
long long number_in(PyObject* text) noexcept;

// A Content-Encoding header, str or bytes, as a code of ledger::Encoding.
long encoding_code(PyObject* raw) noexcept;

// Type/subtype of a raw content type header (borrowed from a table, or new): a new reference, nullptr with exception.
PyObject* clean_type(PyObject* raw) noexcept;

}  // namespace heapledger::cpython
