// How text may look at the place it goes to. Thread-safe; no allocation.
#pragma once

#include <cstddef>
#include <optional>

namespace heapledger::report {

struct TextStyle {
  std::optional<std::size_t> width;  // columns of the terminal; absent: not a terminal, nothing is shortened
  bool colour = false;
  bool ascii = false;  // no other characters for what we draw ourselves
};

// For what goes to no terminal. ASCII where the locale names another encoding than UTF-8.
TextStyle plain_style();

// Of the terminal behind a descriptor. No colour where NO_COLOR is set and not empty, or TERM is "dumb" or missing.
TextStyle style_of(int descriptor);

}  // namespace heapledger::report
