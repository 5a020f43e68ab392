// Every difference between the CPython versions that we enter: 3.10 to 3.15, with the GIL.
//
//                          3.10, 3.11            3.12                   3.13 and later
//   current thread state   process-wide          thread-local           thread-local, public name
//   attached?              compare with own      not NULL               not NULL
//   own-GIL interpreters   none                  possible               possible
// Safe in allocation hooks: no function here allocates, raises or touches a reference count.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#if PY_VERSION_HEX < 0x030A0000 || PY_VERSION_HEX >= 0x03100000
#error "heapledger supports CPython 3.10 to 3.15"
#endif
#ifdef Py_GIL_DISABLED
#error "free-threaded CPython is not supported: its allocators and object layout differ"
#endif

namespace heapledger::cpython {

#if PY_VERSION_HEX < 0x030C0000
// Where the interpreter keeps its one current thread state (compat.cc finds the word by behaviour): the question is
// asked at each allocation, and a load is cheaper than a call that does the same load.
extern PyThreadState* const volatile* g_current_thread_state __attribute__((visibility("hidden")));
void find_current_thread_state() noexcept;
#else
inline void find_current_thread_state() noexcept {}
#endif

// The running thread state while the GIL is held. Up to 3.11 without the GIL: whoever holds it.
inline PyThreadState* current_thread_state() noexcept {
#if PY_VERSION_HEX >= 0x030D0000
  return PyThreadState_GetUnchecked();
#else
  return _PyThreadState_UncheckedGet();
#endif
}

// The same for the hooked path: nullptr where it could not be made cheap, then the slow path asks.
inline PyThreadState* quick_thread_state() noexcept {
#if PY_VERSION_HEX < 0x030C0000
  return *g_current_thread_state;
#else
  return current_thread_state();
#endif
}

// The calling thread's state if it is attached to an interpreter now, else nullptr: for hooks that may run without
// the GIL. Up to 3.11 the state read may be another thread's, so it is compared with our own and not dereferenced
// before that; in a sub-interpreter the two differ and we answer nullptr, which is the safe side.
inline PyThreadState* attached_thread_state() noexcept {
  PyThreadState* state = current_thread_state();
#if PY_VERSION_HEX < 0x030C0000
  if (state == nullptr || state != PyGILState_GetThisThreadState()) return nullptr;
#endif
  return state;
}

// What a weak reference named is gone. Under the GIL.
inline bool is_dead_reference(PyObject* reference) noexcept {
#if PY_VERSION_HEX >= 0x030D0000
  PyObject* named = nullptr;
  const bool dead = PyWeakref_GetRef(reference, &named) == 0;
  Py_XDECREF(named);
  return dead;
#else
  return PyWeakref_GetObject(reference) == Py_None;
#endif
}

inline constexpr bool kInterpretersMayOwnTheirGil = PY_VERSION_HEX >= 0x030C0000;

}  // namespace heapledger::cpython
