// Imports: whose memory is it (the module's, not the request's in which it happens to run), and who waits for it.
// importlib._bootstrap._find_and_load, which every first import passes, is wrapped by a C function: no frame of ours
// appears in an ImportError's traceback. GIL held.
#pragma once

#include "cpython/compat.h"

namespace heapledger::cpython {

// Once. False: exception set.
bool install_import_watch() noexcept;

// Module function: on_import(name, callback).
PyObject* watch_import(PyObject* module, PyObject* const* arguments, Py_ssize_t count);

// How many callbacks raised (and were silenced).
unsigned long failed_import_callbacks() noexcept;

}  // namespace heapledger::cpython
