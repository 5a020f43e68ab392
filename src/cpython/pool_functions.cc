#include "cpython/pool_functions.h"

#include <string_view>

#include "cpython/block_sampling.h"
#include "cpython/request_object.h"
#include "engine/connections.h"

namespace heapledger::cpython {
namespace {

Engine& books() noexcept { return engine::engine(); }

PyObject* expected(const char* what) {
  PyErr_SetString(PyExc_TypeError, what);
  return nullptr;
}

// None: not set.
bool read_setting(PyObject* given, std::int64_t& value) noexcept {
  if (given == Py_None) return true;
  const long long number = PyLong_AsLongLong(given);
  if (number == -1 && PyErr_Occurred() != nullptr) return false;
  value = number;
  return true;
}

// Whose request runs here, and where: above the adapter's function that called.
engine::PoolCaller caller() noexcept {
  engine::PoolCaller caller;
  caller.request = running_request();
  const engine::Hold hold(books());
  if (hold) caller.stack = current_stack(books(), PyThreadState_Get(), 1);
  return caller;
}

// Negative: it was not measured.
bool read_wait(PyObject* given, std::uint64_t& wait_ns) noexcept {
  const long long number = PyLong_AsLongLong(given);
  if (number == -1 && PyErr_Occurred() != nullptr) return false;
  wait_ns = number < 0 ? engine::kNotWaited : static_cast<std::uint64_t>(number);
  return true;
}

using Step = void (*)(Engine&, engine::Scope) noexcept;

PyObject* step(PyObject* connection, Step step) {
  if (connection != Py_None && !is_request(connection)) return expected("a connection, or None, is expected");
  if (connection != Py_None) step(books(), scope_of(connection));
  Py_RETURN_NONE;
}

void close_by_pool(Engine& e, engine::Scope connection) noexcept { engine::close_connection(e, connection, false); }

}  // namespace

PyObject* pool_describe(PyObject*, PyObject* arguments) {
  const char *name = nullptr, *library = nullptr, *settings = nullptr;
  Py_ssize_t name_bytes = 0, library_bytes = 0, settings_bytes = 0;
  PyObject *min_size = nullptr, *max_size = nullptr, *overflow = nullptr, *timeout = nullptr, *recycle = nullptr;
  if (PyArg_ParseTuple(arguments, "s#s#s#OOOOO", &name, &name_bytes, &library, &library_bytes, &settings,
                       &settings_bytes, &min_size, &max_size, &overflow, &timeout, &recycle) == 0) {
    return nullptr;
  }
  const auto view = [](const char* text, Py_ssize_t bytes) {
    return std::string_view{text, static_cast<std::size_t>(bytes)};
  };
  engine::PoolDescription pool;
  pool.name = view(name, name_bytes);
  pool.library = view(library, library_bytes);
  pool.settings = view(settings, settings_bytes);
  const bool read = read_setting(min_size, pool.min_size) && read_setting(max_size, pool.max_size) &&
                    read_setting(overflow, pool.max_overflow) && read_setting(timeout, pool.timeout_us) &&
                    read_setting(recycle, pool.recycle_us);
  return read ? PyLong_FromUnsignedLong(engine::describe_pool(books(), pool)) : nullptr;
}

PyObject* pool_connect(PyObject*, PyObject* pool) {
  const unsigned long id = PyLong_AsUnsignedLong(pool);
  if (id == static_cast<unsigned long>(-1) && PyErr_Occurred() != nullptr) return nullptr;
  const engine::Scope scope =
      engine::begin_connection(books(), static_cast<std::uint32_t>(id & 0xFFFFFFFFU), running_request());
  PyObject* token = scope.generation == 0 ? nullptr : new_token(scope);
  if (token != nullptr) return token;
  engine::fail_connection(books(), scope);
  Py_RETURN_NONE;
}

PyObject* pool_connected(PyObject*, PyObject* connection) { return step(connection, engine::connected); }
PyObject* pool_checkin(PyObject*, PyObject* connection) { return step(connection, engine::check_in); }
PyObject* pool_invalidate(PyObject*, PyObject* connection) { return step(connection, engine::invalidate_connection); }
PyObject* pool_close(PyObject*, PyObject* connection) { return step(connection, close_by_pool); }
PyObject* pool_lose(PyObject*, PyObject* connection) { return step(connection, engine::mark_orphan); }

PyObject* pool_checkout(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  std::uint64_t wait_ns = 0;
  if (count != 2) return expected("pool_checkout(connection, wait in ns) is expected");
  if (!read_wait(arguments[1], wait_ns)) return nullptr;
  if (!is_request(arguments[0])) Py_RETURN_NONE;
  if (engine::is_connection(books(), scope_of(arguments[0]))) {
    engine::check_out(books(), scope_of(arguments[0]), wait_ns, caller());
  }
  Py_RETURN_NONE;
}

PyObject* pool_timeout(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  std::uint64_t wait_ns = 0;
  if (count != 2) return expected("pool_timeout(pool, wait in ns) is expected");
  const unsigned long pool = PyLong_AsUnsignedLong(arguments[0]);
  if (PyErr_Occurred() != nullptr || !read_wait(arguments[1], wait_ns)) return nullptr;
  engine::pool_timed_out(books(), static_cast<std::uint32_t>(pool & 0xFFFFFFFFU), wait_ns, caller());
  Py_RETURN_NONE;
}

PyObject* pool_waiting(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (count != 2) return expected("pool_waiting(pool, by how many more) is expected");
  const unsigned long pool = PyLong_AsUnsignedLong(arguments[0]);
  const long by = PyErr_Occurred() == nullptr ? PyLong_AsLong(arguments[1]) : 0;
  if (PyErr_Occurred() != nullptr) return nullptr;
  engine::pool_waiters_changed(books(), static_cast<std::uint32_t>(pool & 0xFFFFFFFFU), static_cast<std::int32_t>(by));
  Py_RETURN_NONE;
}

}  // namespace heapledger::cpython
