// What heapledger._engine offers to the adapters of connection pools: a connection is a Request token whose scope is a
// connection's (engine/connections.h). GIL held; nothing here raises for what the engine cannot do, only for arguments
// of other types.
#pragma once

#include "cpython/compat.h"

namespace heapledger::cpython {

PyObject* pool_describe(PyObject* module, PyObject* arguments);
PyObject* pool_connect(PyObject* module, PyObject* const* arguments, Py_ssize_t count);
PyObject* pool_connected(PyObject* module, PyObject* connection);
PyObject* pool_checkout(PyObject* module, PyObject* const* arguments, Py_ssize_t count);
PyObject* pool_checkin(PyObject* module, PyObject* connection);
PyObject* pool_invalidate(PyObject* module, PyObject* connection);
PyObject* pool_detach(PyObject* module, PyObject* connection);
PyObject* pool_close(PyObject* module, PyObject* connection);
PyObject* pool_lose(PyObject* module, PyObject* connection);
PyObject* pool_timeout(PyObject* module, PyObject* const* arguments, Py_ssize_t count);
PyObject* pool_waiting(PyObject* module, PyObject* const* arguments, Py_ssize_t count);

}  // namespace heapledger::cpython
