// The interpreter's internal headers, in this one file: they are C, and stricter warnings than theirs are off for them.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wshadow"
#define Py_BUILD_CORE  // NOLINT(bugprone-reserved-identifier): CPython's name
#include <Python.h>
#if PY_VERSION_HEX >= 0x030E0000
#include <internal/pycore_interpframe_structs.h>
#elif PY_VERSION_HEX >= 0x030B0000
#include <internal/pycore_frame.h>
#else
#include <frameobject.h>
#endif
#pragma GCC diagnostic pop

#include "cpython/stack_walk.h"

namespace heapledger::cpython {
namespace {

#if PY_VERSION_HEX < 0x030B0000

using Frame = PyFrameObject;

const Frame* innermost(const PyThreadState* state) noexcept { return state->frame; }
const Frame* caller_of(const Frame* frame) noexcept { return frame->f_back; }
bool has_no_code(const Frame*) noexcept { return false; }
PyObject* executable_of(const Frame* frame) noexcept { return reinterpret_cast<PyObject*>(frame->f_code); }
bool has_begun(const Frame*, const PyCodeObject*, std::int32_t) noexcept { return true; }
std::int32_t instruction_of(const Frame* frame, const PyCodeObject*) noexcept {
  return frame->f_lasti < 0 ? -1 : frame->f_lasti * static_cast<int>(sizeof(_Py_CODEUNIT));
}

#else

using Frame = _PyInterpreterFrame;

const Frame* caller_of(const Frame* frame) noexcept { return frame->previous; }

#if PY_VERSION_HEX >= 0x030D0000
const Frame* innermost(const PyThreadState* state) noexcept { return state->current_frame; }
const _Py_CODEUNIT* position_of(const Frame* frame) noexcept { return frame->instr_ptr; }
#else
const Frame* innermost(const PyThreadState* state) noexcept {
  return state->cframe == nullptr ? nullptr : state->cframe->current_frame;
}
const _Py_CODEUNIT* position_of(const Frame* frame) noexcept { return frame->prev_instr; }
#endif

#if PY_VERSION_HEX >= 0x030E0000
PyObject* executable_of(const Frame* frame) noexcept {
  constexpr std::uintptr_t kTagBits = 3;  // objects are aligned to more than this
  return reinterpret_cast<PyObject*>(frame->f_executable.bits & ~kTagBits);
}
#elif PY_VERSION_HEX >= 0x030D0000
PyObject* executable_of(const Frame* frame) noexcept { return frame->f_executable; }
#else
PyObject* executable_of(const Frame* frame) noexcept { return reinterpret_cast<PyObject*>(frame->f_code); }
#endif

// The interpreter's own frames: their other fields may not be set.
bool has_no_code(const Frame* frame) noexcept {
#if PY_VERSION_HEX >= 0x030E0000
  return frame->owner >= FRAME_OWNED_BY_INTERPRETER;
#elif PY_VERSION_HEX >= 0x030C0000
  return frame->owner == FRAME_OWNED_BY_CSTACK;
#else
  (void)frame;
  return false;
#endif
}

std::int32_t instruction_of(const Frame* frame, const PyCodeObject* code) noexcept {
  const char* begin = code->co_code_adaptive;
  return static_cast<std::int32_t>(reinterpret_cast<const char*>(position_of(frame)) - begin);
}

// A generator's frame was copied to it complete. Others begin with instructions that make cells, copy free variables or
// create the generator.
bool has_begun(const Frame* frame, const PyCodeObject* code, std::int32_t instruction) noexcept {
  constexpr auto kUnit = static_cast<std::int32_t>(sizeof(_Py_CODEUNIT));
  return frame->owner == FRAME_OWNED_BY_GENERATOR || instruction >= code->_co_firsttraceable * kUnit;
}

#endif

// False: no frame of Python code that has begun. Frames leave the stack before their code may be destroyed, in every
// version; the reference count is looked at lest one forgets to, since what destroys a code object may allocate.
bool read_frame(const Frame* frame, PythonFrame& read) noexcept {
  if (has_no_code(frame)) return false;
  PyObject* executable = executable_of(frame);
  if (executable == nullptr || !PyCode_Check(executable) || Py_REFCNT(executable) <= 0) return false;
  const auto* code = reinterpret_cast<const PyCodeObject*>(executable);
  const std::int32_t instruction = instruction_of(frame, code);
  if (!has_begun(frame, code, instruction)) return false;
  read = {code, instruction};
  return true;
}

}  // namespace

std::size_t walk_stack(const PyThreadState* state, PythonFrame* frames, std::size_t most, bool& truncated) noexcept {
  std::size_t count = 0;
  PythonFrame read;
  truncated = false;
  for (const Frame* frame = innermost(state); frame != nullptr; frame = caller_of(frame)) {
    if (!read_frame(frame, read)) continue;
    if (count == most) {
      truncated = true;
      break;
    }
    frames[count++] = read;
  }
  return count;
}

}  // namespace heapledger::cpython
