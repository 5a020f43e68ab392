#include "report/labelled_lines.h"

namespace heapledger::report {
namespace {

constexpr std::size_t kLabelWidth = 9;

}  // namespace

std::string write_line(const LabelledLine& line, const TextStyle& style) {
  const std::string padding(kLabelWidth - line.label.size(), ' ');
  const char* begin = line.label == "!" ? "\x1b[33m" : "\x1b[2m";
  const std::string label = style.colour && !line.label.empty() ? begin + line.label + "\x1b[0m" : line.label;
  return label + padding + line.text + "\n";
}

std::string write_lines(const std::vector<LabelledLine>& lines, const TextStyle& style) {
  std::string text;
  for (const LabelledLine& line : lines) {
    text += line.text.empty() ? "" : write_line(line, style);
  }
  return text;
}

}  // namespace heapledger::report
