// What a request says of its API's versions, once its response is out. Rare: nothing is done for requests that say
// nothing. Under the GIL; failures are cleared and counted.
#include "cpython/exchange_object.h"

namespace heapledger::cpython {
namespace {

void call(PyObject* function, PyObject* first, PyObject* second) noexcept {
  PyObject* done = PyObject_CallFunctionObjArgs(function, first, second, nullptr);
  if (done == nullptr) count_failure("version_not_noted");
  Py_XDECREF(done);
}

}  // namespace

void file_as_deprecated(ExchangeObject& self) noexcept {
  if (PyTuple_GET_ITEM(self.key, 3) == Py_True) return;
  PyObject* route = Py_NewRef(PyTuple_GET_ITEM(self.key, 1));
  file_under(self, route, true);
  Py_DECREF(route);
}

void note_version(ExchangeObject& self) noexcept {
  // Filled by heapledger.api_version() alone.
  if (self.key != nullptr && PyDict_GET_SIZE(g_bound.named) > 0) call(g_bound.rename, self.token, self.key);
  if (self.deprecated != 0 && self.response != nullptr) call(g_bound.notice, self.token, self.response);
}

}  // namespace heapledger::cpython
