// Lines of text that open with a word for what they tell: "books    balanced". Pure functions; thread-safe; allocate.
#pragma once

#include <string>
#include <vector>

#include "report/text_style.h"

namespace heapledger::report {

struct LabelledLine {
  std::string label;  // at most 8 characters
  std::string text;
};

// Ended by a newline; in colour the label is dim, `!` yellow.
std::string write_line(const LabelledLine& line, const TextStyle& style);

// Lines without a text are left out.
std::string write_lines(const std::vector<LabelledLine>& lines, const TextStyle& style);

}  // namespace heapledger::report
