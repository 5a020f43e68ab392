#include "report/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace heapledger::report {
namespace {

struct Character {
  std::uint32_t code;  // kInvalid: not UTF-8
  std::size_t bytes;
};
constexpr std::uint32_t kInvalid = 0xFFFFFFFF;

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};
constexpr std::array kHiding{Range{0x00AD, 0x00AD}, Range{0x061C, 0x061C}, Range{0x180E, 0x180E},
                             Range{0x200B, 0x200F}, Range{0x2028, 0x202E}, Range{0x2060, 0x206F},
                             Range{0xFEFF, 0xFEFF}, Range{0xFFF9, 0xFFFB}, Range{0xE0000, 0xE0FFF}};
constexpr std::array kCombining{
    Range{0x0300, 0x036F}, Range{0x0483, 0x0489}, Range{0x0591, 0x05BD}, Range{0x0610, 0x061A}, Range{0x064B, 0x065F},
    Range{0x1AB0, 0x1AFF}, Range{0x1DC0, 0x1DFF}, Range{0x20D0, 0x20FF}, Range{0xFE00, 0xFE0F}, Range{0xFE20, 0xFE2F}};
constexpr std::array kWide{Range{0x1100, 0x115F},   Range{0x2E80, 0x303E},   Range{0x3041, 0xA4CF},
                           Range{0xAC00, 0xD7A3},   Range{0xF900, 0xFAFF},   Range{0xFE30, 0xFE6F},
                           Range{0xFF00, 0xFF60},   Range{0xFFE0, 0xFFE6},   Range{0x1F300, 0x1F64F},
                           Range{0x1F680, 0x1F6FF}, Range{0x1F900, 0x1F9FF}, Range{0x20000, 0x3FFFD}};

template <std::size_t N>
bool is_in(const std::array<Range, N>& ranges, std::uint32_t code) {
  return std::any_of(ranges.begin(), ranges.end(), [code](Range r) { return code >= r.first && code <= r.last; });
}

std::size_t sequence_length(unsigned char lead) {
  if (lead < 0x80) {
    return 1;
  }
  if (lead >= 0xC2 && lead <= 0xDF) {
    return 2;
  }
  if (lead >= 0xE0 && lead <= 0xEF) {
    return 3;
  }
  return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

// The first character of a text that is not empty. Overlong forms, surrogates and cut sequences are invalid.
Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = sequence_length(lead);
  if (length == 0 || length > text.size()) {
    return {kInvalid, 1};
  }
  std::uint32_t code = length == 1 ? lead : lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0U) != 0x80) {
      return {kInvalid, 1};
    }
    code = (code << 6) | (next & 0x3FU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return overlong || surrogate || code > 0x10FFFF ? Character{kInvalid, 1} : Character{code, length};
}

std::string written_out(std::uint32_t code) {
  switch (code) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return code < 0x100 ? fmt::format("\\x{:02x}", code) : fmt::format("\\u{:04x}", code);
  }
}

bool is_control(std::uint32_t code) { return code < 0x20 || (code >= 0x7F && code <= 0x9F); }

std::size_t width_of(std::uint32_t code) {
  if (is_in(kCombining, code)) {
    return 0;
  }
  return is_in(kWide, code) ? 2 : 1;
}

struct Piece {
  std::size_t bytes;
  std::size_t width;
};

std::vector<Piece> pieces_of(std::string_view text) {
  std::vector<Piece> pieces;
  while (!text.empty()) {
    const Character character = first_character(text);
    pieces.push_back({character.bytes, width_of(character.code)});
    text.remove_prefix(character.bytes);
  }
  return pieces;
}

// Bytes that the pieces from `first` on take while they fit into `width` columns.
template <class Iterator>
std::size_t fitting_bytes(Iterator first, Iterator last, std::size_t width) {
  std::size_t bytes = 0;
  for (; first != last && first->width <= width; ++first) {
    width -= first->width;
    bytes += first->bytes;
  }
  return bytes;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const Character character = first_character(text);
    if (character.code == kInvalid) {
      result += written_out(static_cast<unsigned char>(text[0]));
    } else if (is_control(character.code) || is_in(kHiding, character.code)) {
      result += written_out(character.code);
    } else {
      result += text.substr(0, character.bytes);
    }
    text.remove_prefix(character.bytes);
  }
  return result;
}

std::size_t display_width(std::string_view printable_text) {
  std::size_t width = 0;
  for (const Piece& piece : pieces_of(printable_text)) {
    width += piece.width;
  }
  return width;
}

std::string shorten_middle(const std::string& printable_text, std::size_t width) {
  if (display_width(printable_text) <= width) {
    return printable_text;
  }
  const std::vector<Piece> pieces = pieces_of(printable_text);
  const std::size_t kept = width - 1;
  const std::size_t tail = fitting_bytes(pieces.rbegin(), pieces.rend(), kept / 2);
  const std::size_t head = fitting_bytes(pieces.begin(), pieces.end(), kept - kept / 2);
  return printable_text.substr(0, head) + "…" + printable_text.substr(printable_text.size() - tail);
}

std::string shell_quoted(std::string_view text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+=,";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(text);
  }
  std::string quoted = "'";
  for (const char character : text) {
    quoted += character == '\'' ? std::string("'\\''") : std::string(1, character);
  }
  return quoted + "'";
}

}  // namespace heapledger::report
