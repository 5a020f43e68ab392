// What the preload library reports (hooks/preload.h), booked for the running owner: every block of malloc, from any
// library of the service. The owner is asked of the interpreter where the thread is attached to it and its key has
// changed, else it is the thread's last one: a C extension's job in a thread pool charges its request that way.
//
//   malloc -> preload library -> next allocator
//                  +-> allocated(): owner, size, native map, books
//   PyMem_Malloc(600) -> our MEM hook -> pymalloc -> RAW -> malloc ...: booked there, the hook marks the block Python's
//
// Thread-safe; no allocation, no exception touched, errno unchanged.
// Fork: the child goes on with the same sink.
#pragma once

#include <cstddef>

#include "cpython/current_owner.h"
#include "engine/native_books.h"

namespace heapledger::cpython {

struct NativeFound {
  engine::NativeAllocator allocator{nullptr, nullptr, false};
  unsigned granule_shift = 0;
  char name[64] = "";  // "libc.so.6, 32-byte granules"; empty: native memory is not seen
};

// Attach to the preload library, if it is there, and look at how the allocator behind it behaves. Once, GIL held,
// before the books open.
NativeFound find_native() noexcept;

// The books are open: find out what reaches the interposer. GIL held, before the PyMem hooks are installed.
void probe_native() noexcept;

// Does an ordinary malloc reach the books?
bool native_is_seen() noexcept;
// Does PyMem_RawMalloc? Then the RAW domain needs no hook.
bool raw_is_native() noexcept;

// A MEM or OBJ hook returns this block. True: it is the interposer's, and in the books already.
bool claim_for_python(const void* block) noexcept;

// While a MEM or OBJ hook runs that may return a native block: its owner's native peak waits for what the hook says.
class PythonCall {
 public:
  PythonCall() noexcept { ++t_owner.python_calls; }
  ~PythonCall() { --t_owner.python_calls; }
  PythonCall(const PythonCall&) = delete;
  PythonCall& operator=(const PythonCall&) = delete;
};

}  // namespace heapledger::cpython
