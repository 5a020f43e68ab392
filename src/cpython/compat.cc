#include "cpython/compat.h"

#if PY_VERSION_HEX < 0x030C0000

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

// Exported by the interpreter; its layout is the interpreter's own and changes even between patch releases.
extern "C" char _PyRuntime[];  // NOLINT(bugprone-reserved-identifier): CPython's name

namespace heapledger::cpython {
namespace {

// Read until the word is found, and for good where it is not: nothing matches it, so that every allocation takes the
// slow path, which asks the interpreter.
PyThreadState* g_no_thread_state = nullptr;

std::size_t runtime_bytes() noexcept {
  Dl_info info{};
  const ElfW(Sym)* symbol = nullptr;
  void* extra = nullptr;
  if (dladdr1(_PyRuntime, &info, &extra, RTLD_DL_SYMENT) == 0) return 0;
  symbol = static_cast<const ElfW(Sym)*>(extra);
  return symbol == nullptr ? 0 : symbol->st_size;
}

}  // namespace

PyThreadState* const volatile* g_current_thread_state = &g_no_thread_state;

// The word of the runtime that holds the current thread state is the one that follows when we swap it: first a null,
// then what was there. The GIL stays held throughout.
void find_current_thread_state() noexcept {
  if (g_current_thread_state != &g_no_thread_state) return;
  auto* words = reinterpret_cast<PyThreadState* volatile*>(_PyRuntime);
  const std::size_t count = runtime_bytes() / sizeof(void*);
  PyThreadState* mine = _PyThreadState_UncheckedGet();
  constexpr std::size_t kCandidatesAtMost = 8;
  std::size_t candidates[kCandidatesAtMost];
  std::size_t found = 0;
  for (std::size_t i = 0; i < count && found < kCandidatesAtMost; ++i) {
    if (words[i] == mine) candidates[found++] = i;
  }
  PyThreadState_Swap(nullptr);
  for (std::size_t i = 0; i < found; ++i) {
    if (words[candidates[i]] == nullptr) g_current_thread_state = &words[candidates[i]];
  }
  PyThreadState_Swap(mine);
  if (*g_current_thread_state != mine) g_current_thread_state = &g_no_thread_state;
}

}  // namespace heapledger::cpython

#endif
