#include "report/table.h"

#include <algorithm>

#include "report/printable.h"

namespace heapledger::report {
namespace {

constexpr std::size_t kGap = 2;

}  // namespace

std::size_t Table::natural_width(std::size_t column) const {
  std::size_t width = display_width(columns_[column].title);
  for (const auto& row : rows_) {
    width = std::max(width, display_width(row[column]));
  }
  return width;
}

std::size_t Table::total_width() const {
  std::size_t width = columns_.empty() ? 0 : (columns_.size() - 1) * kGap;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    width += natural_width(i);
  }
  return width;
}

void Table::drop_column(std::size_t index) {
  left_out_.push_back(columns_[index].title);
  const auto at = static_cast<std::ptrdiff_t>(index);
  columns_.erase(columns_.begin() + at);
  for (auto& row : rows_) {
    row.erase(row.begin() + at);
  }
}

std::size_t Table::flexible_column() const {
  const auto found = std::find_if(columns_.begin(), columns_.end(), [](const Column& c) { return c.flexible; });
  return static_cast<std::size_t>(found - columns_.begin());
}

std::size_t Table::excess_width(std::size_t width) const { return total_width() - std::min(total_width(), width); }

// What shortening the flexible column could give.
std::size_t Table::spare_width() const {
  const std::size_t flexible = flexible_column();
  if (flexible == columns_.size()) {
    return 0;
  }
  const std::size_t own = natural_width(flexible);
  return own - std::min(own, std::max(kLeastFlexible, display_width(columns_[flexible].title)));
}

void Table::fit(std::size_t width) {
  const auto less = [](const Column& a, const Column& b) { return a.dispensable < b.dispensable; };
  while (excess_width(width) > spare_width()) {
    const auto first = std::max_element(columns_.begin(), columns_.end(), less);
    if (first == columns_.end() || first->dispensable == 0) {
      break;
    }
    drop_column(static_cast<std::size_t>(first - columns_.begin()));
  }
  const std::size_t flexible = flexible_column();
  const std::size_t excess = std::min(excess_width(width), spare_width());
  if (excess == 0) {
    return;
  }
  const std::size_t room = natural_width(flexible) - excess;
  for (auto& row : rows_) {
    row[flexible] = shorten_middle(row[flexible], room);
  }
}

std::string Table::line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const {
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string padding(widths[i] - std::min(widths[i], display_width(cells[i])), ' ');
    text += i == 0 ? "" : std::string(kGap, ' ');
    text += columns_[i].align == Align::kLeft ? cells[i] + padding : padding + cells[i];
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string Table::render(const TextStyle& style) {
  if (style.width) {
    fit(*style.width);
  }
  std::vector<std::string> titles;
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    titles.push_back(columns_[i].title);
    widths.push_back(natural_width(i));
  }
  std::string text = style.colour ? "\x1b[1m" + line(titles, widths) + "\x1b[0m\n" : line(titles, widths) + "\n";
  for (const auto& row : rows_) {
    text += line(row, widths) + "\n";
  }
  return text;
}

}  // namespace heapledger::report
