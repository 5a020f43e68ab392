// A table of text: columns aligned, two blanks between them, nothing after the last. Cells must be printable().
//
// On a terminal that is too narrow the flexible column is shortened in the middle first, down to kLeastFlexible; then
// columns are left out, the highest `dispensable` first, and named by left_out(). One thread at a time; allocates.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "report/text_style.h"

namespace heapledger::report {

enum class Align { kLeft, kRight };

struct Column {
  std::string title;
  Align align = Align::kRight;
  bool flexible = false;  // at most one
  int dispensable = 0;    // 0: never left out
};

class Table {
 public:
  static constexpr std::size_t kLeastFlexible = 20;

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // One cell per column.
  void add_row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  // All lines, each ended by a newline; the titles bold in colour.
  std::string render(const TextStyle& style);

  // Titles of the columns that render() found no room for.
  const std::vector<std::string>& left_out() const { return left_out_; }

 private:
  void drop_column(std::size_t index);
  void fit(std::size_t width);
  std::size_t flexible_column() const;  // number of columns if there is none
  std::size_t excess_width(std::size_t width) const;
  std::size_t spare_width() const;
  std::size_t natural_width(std::size_t column) const;
  std::size_t total_width() const;
  std::string line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::string> left_out_;
};

}  // namespace heapledger::report
