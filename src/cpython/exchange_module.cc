// The extension module heapledger._exchange: what every request passes in the adapters, by CPython's own calling
// convention. Its Python face is described in python/heapledger/_exchange.pyi.
#include "cpython/exchange_passage.h"

namespace heapledger::cpython {
namespace {

template <typename Function>
PyCFunction as_method(Function function) noexcept {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function));
}

PyMethodDef g_functions[] = {
    {"bind", bind, METH_O, "Take over the functions and tables that exchanges use."},
    {"open_wsgi", as_method(open_wsgi), METH_FASTCALL, "An exchange over a token and a WSGI call's arguments."},
    {"serve", as_method(serve), METH_FASTCALL, "Awaitable: an ASGI application's call within a request."},
    {"exchange_of", exchange_of, METH_O, "The unfinished ASGI exchange over a token, or None."},
    {"mark_awaited", mark_awaited, METH_VARARGS, "What it returns is awaited in a phase of the request."},
    {"open_gunicorn", as_method(open_gunicorn), METH_FASTCALL, "An exchange that gunicorn's worker holds."},
    {"enter_wsgi", as_method(enter_wsgi), METH_FASTCALL, "Call a WSGI application within a request."},
    {"note_flask", note_flask, METH_O, "The rule that a Flask request context has matched."},
    {"note_starlette", as_method(note_starlette), METH_FASTCALL, "The Starlette route that is about to handle."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef g_definition = {
    PyModuleDef_HEAD_INIT, "_exchange", "Exchanges.", -1, g_functions, nullptr, nullptr, nullptr, nullptr};

}  // namespace
}  // namespace heapledger::cpython

PyMODINIT_FUNC PyInit__exchange() {  // NOLINT(bugprone-reserved-identifier): CPython's name for it
  using namespace heapledger;        // NOLINT(google-build-using-namespace): the one place that names them all
  if (!cpython::make_names() || !cpython::prepare_exchange_types() || !cpython::prepare_entry_types() ||
      !cpython::prepare_passage_types()) {
    return nullptr;
  }
  PyObject* module = PyModule_Create(&cpython::g_definition);
  if (module == nullptr) return nullptr;
  if (PyModule_AddObjectRef(module, "Exchange", reinterpret_cast<PyObject*>(&cpython::ExchangeType)) != 0 ||
      PyModule_AddObjectRef(module, "Entry", reinterpret_cast<PyObject*>(&cpython::EntryType)) != 0) {
    Py_CLEAR(module);
  }
  return module;
}
