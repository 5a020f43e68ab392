// Names and numbers of a frame's code, read from its strings as they lie.
#include <cstring>

#include "cpython/stack_walk.h"
#include "engine/export.h"

namespace heapledger::cpython {
namespace {

// A str's characters: `kind` bytes each, 1, 2 or 4.
struct Characters {
  const void* data;
  std::size_t count;
  std::size_t kind;

  [[nodiscard]] std::uint32_t at(std::size_t index) const noexcept {
    if (kind == 1) return static_cast<const std::uint8_t*>(data)[index];
    if (kind == 2) return static_cast<const std::uint16_t*>(data)[index];
    return static_cast<const std::uint32_t*>(data)[index];
  }
};

Characters characters_of(PyObject* string) noexcept {
  constexpr Characters kUnreadable{"?", 1, 1};
  if (string == nullptr || !PyUnicode_Check(string)) return kUnreadable;
#if PY_VERSION_HEX < 0x030C0000
  if (!PyUnicode_IS_READY(string)) return kUnreadable;
#endif
  return {PyUnicode_DATA(string), static_cast<std::size_t>(PyUnicode_GET_LENGTH(string)),
          static_cast<std::size_t>(PyUnicode_KIND(string))};
}

PyObject* function_name(const PyCodeObject* code) noexcept {
#if PY_VERSION_HEX >= 0x030B0000
  return code->co_qualname;
#else
  return code->co_name;
#endif
}

// ---- the place's number: halves of 128-bit products, folded; 16 bytes a step

__extension__ using Product = unsigned __int128;
constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;  // fractions of irrational numbers: bits without a pattern
constexpr std::uint64_t kRootOfTwo = 0x6A09E667F3BCC909;
constexpr std::uint64_t kRootOfThree = 0xBB67AE8584CAA73B;

inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  const Product product = static_cast<Product>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

template <typename Word>
inline std::uint64_t load(const unsigned char* from) noexcept {
  Word word;
  memcpy(&word, from, sizeof(word));
  return word;
}

inline std::uint64_t add_16(std::uint64_t seed, const unsigned char* from) noexcept {
  return fold(load<std::uint64_t>(from) ^ kGolden, load<std::uint64_t>(from + 8) ^ seed);
}

// The last 1 to 15 bytes, by words that may overlap.
inline std::uint64_t add_last(std::uint64_t seed, const unsigned char* from, std::size_t count) noexcept {
  std::uint64_t first = 0, last = 0;
  if (count >= 8) {
    first = load<std::uint64_t>(from);
    last = load<std::uint64_t>(from + count - 8);
  } else if (count >= 4) {
    first = load<std::uint32_t>(from);
    last = load<std::uint32_t>(from + count - 4);
  } else if (count > 0) {
    first = from[0] | std::uint64_t{from[count / 2]} << 8;
    last = from[count - 1];
  }
  return fold(first ^ kRootOfTwo, last ^ seed);
}

inline std::uint64_t add_bytes(std::uint64_t seed, const unsigned char* from, std::size_t count) noexcept {
  constexpr std::size_t kAtMost = 1024;
  seed += count * kGolden;
  if (HL_UNLIKELY(count > kAtMost)) {
    from += count - kAtMost;
    count = kAtMost;
  }
  for (; count >= 32; count -= 32, from += 32) seed = add_16(add_16(seed, from), from + 16);
  if (count >= 16) {
    seed = add_16(seed, from);
    count -= 16;
    from += 16;
  }
  return count == 0 ? seed : add_last(seed, from, count);
}

__attribute__((noinline)) std::uint64_t add_any_name(std::uint64_t seed, PyObject* string) noexcept {
  const Characters name = characters_of(string);
  return add_bytes(seed, static_cast<const unsigned char*>(name.data), name.count * name.kind);
}

// Nearly all names are ASCII.
inline std::uint64_t add_name(std::uint64_t seed, PyObject* string) noexcept {
  if (HL_UNLIKELY(string == nullptr || !PyUnicode_CheckExact(string) || !PyUnicode_IS_COMPACT_ASCII(string))) {
    return add_any_name(seed, string);
  }
  const auto* header = reinterpret_cast<const PyASCIIObject*>(string);
  return add_bytes(seed, reinterpret_cast<const unsigned char*>(header + 1), static_cast<std::size_t>(header->length));
}

inline std::uint64_t place_in(std::uint64_t file, const PyCodeObject* code, std::int32_t instruction) noexcept {
  const std::uint64_t line_and_instruction =
      std::uint64_t{static_cast<std::uint32_t>(code->co_firstlineno)} << 32 | static_cast<std::uint32_t>(instruction);
  return fold(line_and_instruction ^ kGolden, add_name(file, function_name(code)) ^ kRootOfTwo);
}

// ---- text

// A surrogate cannot be written in UTF-8.
std::uint32_t writable(std::uint32_t character) noexcept {
  constexpr std::uint32_t kReplacement = 0xFFFD;
  return character >= 0xD800 && character < 0xE000 ? kReplacement : character;
}

std::size_t utf8_bytes(std::uint32_t character) noexcept {
  if (character < 0x80) return 1;
  if (character < 0x800) return 2;
  return character < 0x10000 ? 3 : 4;
}

std::size_t put_utf8(std::uint32_t character, char* to) noexcept {
  const std::size_t bytes = utf8_bytes(character);
  if (bytes == 1) {
    to[0] = static_cast<char>(character);
    return 1;
  }
  for (std::size_t i = bytes - 1; i > 0; --i, character >>= 6) to[i] = static_cast<char>(0x80 | (character & 0x3F));
  constexpr std::uint32_t kLead[] = {0, 0, 0xC0, 0xE0, 0xF0};
  to[0] = static_cast<char>(kLead[bytes] | character);
  return bytes;
}

// As many characters from `index` on as fit; `index` moves past them.
std::size_t put_characters(const Characters& from, std::size_t& index, char* to, std::size_t room) noexcept {
  std::size_t used = 0;
  for (; index < from.count; ++index) {
    const std::uint32_t character = writable(from.at(index));
    if (used + utf8_bytes(character) > room) break;
    used += put_utf8(character, to + used);
  }
  return used;
}

std::size_t put_beginning(const Characters& from, char* to, std::size_t room) noexcept {
  std::size_t index = 0;
  return put_characters(from, index, to, room);
}

std::size_t put_end(const Characters& from, char* to, std::size_t room) noexcept {
  std::size_t index = 0;
  const std::size_t whole = put_characters(from, index, to, room);
  if (index == from.count) return whole;
  constexpr char kLeftOut[] = {'.', '.', '.'};
  room -= sizeof(kLeftOut);
  std::size_t first = from.count, used = 0;
  while (first > 0) {
    const std::size_t bytes = utf8_bytes(writable(from.at(first - 1)));
    if (used + bytes > room) break;
    used += bytes;
    --first;
  }
  memcpy(to, kLeftOut, sizeof(kLeftOut));
  return sizeof(kLeftOut) + put_characters(from, first, to + sizeof(kLeftOut), room);
}

}  // namespace

std::uint64_t place_of(const PythonFrame& frame) noexcept {
  const auto* code = static_cast<const PyCodeObject*>(frame.code);
  return place_in(add_name(kRootOfThree, code->co_filename), code, frame.instruction);
}

// Most of the work is reading file names, and a stack has few. They all live while we are here: the same address is
// the same string.
void places_of(const PythonFrame* frames, std::size_t count, std::uint64_t* places) noexcept {
  constexpr std::size_t kKept = 8;
  struct {
    PyObject* name;
    std::uint64_t number;
  } kept[kKept] = {};
  for (std::size_t i = 0; i < count; ++i) {
    const auto* code = static_cast<const PyCodeObject*>(frames[i].code);
    PyObject* name = code->co_filename;
    auto& file = kept[reinterpret_cast<std::uintptr_t>(name) / 64 % kKept];
    if (name != file.name || name == nullptr) file = {name, add_name(kRootOfThree, name)};
    places[i] = place_in(file.number, code, frames[i].instruction);
  }
}

void text_of(const PythonFrame& frame, FrameText& text) noexcept {
  const auto* code = static_cast<const PyCodeObject*>(frame.code);
  const Characters function = characters_of(function_name(code));
  text.function_bytes = static_cast<std::uint16_t>(put_beginning(function, text.function, sizeof(text.function)));
  text.file_bytes = static_cast<std::uint16_t>(put_end(characters_of(code->co_filename), text.file, sizeof(text.file)));
  // Reads the line table: no allocation, in any version.
  const int line = PyCode_Addr2Line(const_cast<PyCodeObject*>(code), frame.instruction);
  text.line = line > 0 ? static_cast<std::uint32_t>(line) : 0;
}

}  // namespace heapledger::cpython
