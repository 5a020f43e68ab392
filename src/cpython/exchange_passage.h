// Awaitables of an exchange: a coroutine of ours around one of the service's or the server's, without a Python frame.
//
//   kServe    the whole call of an application: begins before it, ends and leaves after it
//   kReceive  one message from the server; what it says is noted
//   kLast     the last message to the server; the exchange ends when it is sent
//   kVisit    a coroutine of the service during which its request is in a phase
//
// They keep the coroutine protocol (send, throw, close, a warning when never awaited), so that tasks may be made of
// them. GIL held everywhere. Spare memory of those that a request needs is taken before it begins: it is nobody's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpython/exchange_object.h"

namespace heapledger::cpython {

enum class PassageKind : std::uint8_t { kServe, kReceive, kLast, kVisit };
enum class PassageState : std::uint8_t { kCreated, kRunning, kSuspended, kOver };

struct PassageObject {
  PyObject_HEAD PyObject* exchange;  // kServe: nullptr until it has begun
  PyObject* inner;                   // the iterator that is awaited, while it is
  PyObject* application;             // kServe
  PyObject* scope;                   // kServe
  PyObject* receive;                 // kServe
  PyObject* send;                    // kServe
  PyObject* message;                 // kLast; kVisit: the coroutine, until it is awaited
  PyObject* token;                   // kVisit
  PyObject* phase;                   // kVisit
  PassageKind kind;
  PassageState state;
  char known;
  PyObject* visit;  // kReceive, kVisit: what leave_phase takes
};

extern PyTypeObject PassageType;

// False: exception set.
bool prepare_passage_types() noexcept;

// New references, nullptr with exception.
PyObject* new_serving(PyObject* application, PyObject* const* call, bool known) noexcept;  // call: scope, receive, send
PyObject* new_receiving(PyObject* exchange) noexcept;
PyObject* new_last(PyObject* exchange, PyObject* message) noexcept;
PyObject* new_visiting(PyObject* token, PyObject* phase, PyObject* coroutine) noexcept;

// One step: what PyIter_Send of it does.
PySendResult step_passage(PassageObject& self, PyObject* value, PyObject** result) noexcept;

// send, throw, close and __await__ (exchange_protocol.cc).
PyObject* await_passage(PyObject* self);
PySendResult send_to_passage(PyObject* self, PyObject* value, PyObject** result);
PyObject* next_of_passage(PyObject* self);
PyObject* passage_send(PyObject* self, PyObject* value);
PyObject* passage_throw(PyObject* self, PyObject* const* arguments, Py_ssize_t count);
PyObject* passage_close(PyObject* self, PyObject* unused);

// The inner iterator has come to `outcome`: with the error indicator set (kept) for PYGEN_ERROR.
void conclude(PassageObject& self, PySendResult outcome, PyObject* value) noexcept;

// Module function serve(app, scope, receive, send, known).
PyObject* serve(PyObject* module, PyObject* const* arguments, Py_ssize_t count);

}  // namespace heapledger::cpython
