// The Python stack of a thread, read from the interpreter's own frames: where was this block allocated?
//
//                    frames                       code                      instruction
//   3.10             frame objects                f_code                    f_lasti, in code units
//   3.11, 3.12       interpreter frames           f_code                    prev_instr: the code unit before the next
//   3.13             interpreter frames           f_executable              instr_ptr
//   3.14, 3.15       interpreter frames           f_executable, tagged      instr_ptr
// Made for allocation hooks: nothing here allocates, raises, waits, touches a reference count or the error state. The
// interpreter may be pushing or popping a frame just then: a frame that has not begun (it still makes its cells or its
// generator) is left out, as the interpreter's own tracebacks do.
// Threads: with the GIL held; or a thread without it on its own state, whose frames stand still meanwhile. Fork: no
// state of ours.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpython/compat.h"

namespace heapledger::cpython {

// Borrowed: valid while the frame is on the thread's stack.
struct PythonFrame {
  const void* code;          // PyCodeObject
  std::int32_t instruction;  // what PyCode_Addr2Line takes: bytes from the first instruction; -1: none has begun (3.10)
};

// Innermost first, `most` of them at most. `truncated`: there are more. Frames without Python code (the interpreter's
// own, at each entry from C) are left out.
std::size_t walk_stack(const PyThreadState* state, PythonFrame* frames, std::size_t most, bool& truncated) noexcept;

// A number for the place: file name, qualified name (3.10: name), first line and instruction, by content. Code objects
// are recycled addresses, and str's own hash is computed at some time or other and differs between processes: neither
// is used. The same in all processes that run the same files on the same version. Of names longer than 1 KiB, the end.
std::uint64_t place_of(const PythonFrame& frame) noexcept;
// The same for the frames of one walk, for less: a file's name is read once.
void places_of(const PythonFrame* frames, std::size_t count, std::uint64_t* places) noexcept;

// UTF-8, not terminated, cut between two characters; of a long file name the end, after "...". A surrogate (in a file
// name: a byte that was no text) becomes U+FFFD; a legacy string that was never made ready, "?".
struct FrameText {
  char function[96];  // co_qualname; on 3.10, which has none, co_name
  std::uint16_t function_bytes;
  char file[256];
  std::uint16_t file_bytes;
  std::uint32_t line;  // 0: the compiler gave this instruction none
};
void text_of(const PythonFrame& frame, FrameText& text) noexcept;

}  // namespace heapledger::cpython
