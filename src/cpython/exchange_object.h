// The Exchange type: one open HTTP request as the adapters see it, for every call that a request makes of them.
//
//   route (as early as it is known) -> end (the response is out) -> leave
//
// It is also what the application is given: a WSGI `start_response` and response body, an ASGI `send`.
// GIL held everywhere. Nothing of ours raises into the service: failures are cleared and counted.
// Exchange and environ, or scope, refer to each other until the end; the collector knows.
#pragma once

#include <cstdint>

#include "cpython/exchange_bound.h"

namespace heapledger::cpython {

enum class ExchangeKind : std::uint8_t { kWsgi, kAsgi, kGunicorn };

struct ExchangeObject {
  PyObject_HEAD vectorcallfunc call;
  PyObject* token;  // the engine's Request
  PyObject* method;
  PyObject* prefix;  // templates of the mounts passed so far
  PyObject* key;     // (method, template, "", deprecated) or nullptr
  PyObject* noted;   // the route that was filed last, behind `noted_prefix`
  PyObject* noted_prefix;
  PyObject* request_type;
  PyObject* response_type;
  PyObject* source;       // WSGI: environ; ASGI: the list of request headers
  PyObject* scope;        // ASGI
  PyObject* server_call;  // the server's start_response or send
  PyObject* server_receive;
  PyObject* response;  // WSGI: (status, headers); ASGI: the start message; gunicorn: its Response
  PyObject* body;      // WSGI: what the application returned
  PyObject* iterator;
  long status;
  long flags;
  Py_ssize_t received;
  Py_ssize_t sent;
  Py_ssize_t chunks;
  Py_ssize_t calls;  // WSGI: of applications within this exchange, now
  long request_encoding;
  long response_encoding;
  ExchangeKind kind;
  char known;  // a framework with a router has it
  char eager;  // end at the last message or chunk, not at the return or close
  char final;  // the last message is on its way
  char deprecated;
  char held;       // somebody further out leaves
  char exhausted;  // the body was read to its end
  char sized;      // the body has a length
  char open;
  char sending;                    // the response is on its way
  char arrived;                    // ASGI: the whole request body
  char waited;                     // ASGI: the call has waited for something since it began
  ExchangeObject* next_open;       // ASGI: list of those that have not finished
  ExchangeObject** previous_open;  // what points here, nullptr outside the list
};

extern PyTypeObject ExchangeType;
extern PyTypeObject SizedBodyType;

// False: exception set.
bool prepare_exchange_types() noexcept;

// Memory for the next exchange, taken by whoever runs now. False: none, exception cleared.
bool prepare_spare() noexcept;

// A new exchange over a token; nullptr with exception.
ExchangeObject* new_exchange(ExchangeKind kind, PyObject* token, PyObject* raw_method) noexcept;

// File it under this template.
void file_under(ExchangeObject& self, PyObject* route, bool deprecated) noexcept;

// The version that the service's code named, and what the response says of the endpoint's end (exchange_version.cc).
void note_version(ExchangeObject& self) noexcept;
void file_as_deprecated(ExchangeObject& self) noexcept;

// The tables behind file_under() are others from here on.
void forget_known_endpoints() noexcept;

// The response is out: describe it by its kind, then hand the row over. Twice is a no-op.
void end_exchange(ExchangeObject& self) noexcept;

// The error indicator's exception, without touching it, or an exception object: what it says about the request.
void note_failure(ExchangeObject& self, PyObject* exception_type) noexcept;

// Our code failed before there was an exchange: no row.
void forget_token(PyObject* token, const char* why) noexcept;

// The response is on its way. Twice is a no-op.
void start_sending(ExchangeObject& self) noexcept;

// Calls one of the engine's functions with the token.
void call_engine(PyObject* function, ExchangeObject& self) noexcept;

// Takes down the headers of a response: pairs of str or bytes. The Content-Length header, borrowed, or nullptr.
PyObject* describe_response_headers(ExchangeObject& self, PyObject* pairs) noexcept;

// By kind (exchange_wsgi.cc, exchange_asgi.cc).
void describe_wsgi(ExchangeObject& self) noexcept;
void describe_gunicorn(ExchangeObject& self) noexcept;
void describe_asgi(ExchangeObject& self) noexcept;
bool environ_may_name_version(ExchangeObject& self) noexcept;
bool headers_may_name_version(ExchangeObject& self) noexcept;

// ASGI: a new exchange, which scope refers to; nullptr with exception. Then what a message from the server says, and
// the end: leave now or when the event loop's step is over.
PyObject* open_asgi(PyObject* token, PyObject* scope, PyObject* receive, PyObject* send, bool known) noexcept;
void note_received(ExchangeObject& self, PyObject* message) noexcept;
void finish_asgi(ExchangeObject& self) noexcept;
void unlink_open(ExchangeObject& self) noexcept;

// The open exchange in an environ or scope, borrowed, or nullptr.
PyObject* exchange_in(PyObject* mapping) noexcept;

// ASGI: the application's receive, a new reference.
PyObject* new_receiver(PyObject* exchange) noexcept;
bool prepare_spare_receiver() noexcept;
extern PyTypeObject ReceiverType;
extern PyTypeObject EntryType;
bool prepare_entry_types() noexcept;

PyObject* call_as_start_response(PyObject* self, PyObject* const* arguments, std::size_t count, PyObject* names);
PyObject* call_as_send(PyObject* self, PyObject* const* arguments, std::size_t count, PyObject* names);
PyObject* iterate_body(PyObject* self);
PyObject* next_chunk(PyObject* self);
PyObject* close_body(PyObject* self, PyObject* unused);
PyObject* wrap_body(PyObject* self, PyObject* body);
PyObject* finish_wsgi(PyObject* self, PyObject* unused);
PyObject* unroute_exchange(PyObject* self, PyObject* unused);

// Module functions.
PyObject* open_wsgi(PyObject* module, PyObject* const* arguments, Py_ssize_t count);
PyObject* exchange_of(PyObject* module, PyObject* token);
PyObject* enter_wsgi(PyObject* module, PyObject* const* arguments, Py_ssize_t count);
PyObject* note_flask(PyObject* module, PyObject* context);
PyObject* note_starlette(PyObject* module, PyObject* const* arguments, Py_ssize_t count);
PyObject* mark_awaited(PyObject* module, PyObject* arguments);
PyObject* open_gunicorn(PyObject* module, PyObject* const* arguments, Py_ssize_t count);

}  // namespace heapledger::cpython
