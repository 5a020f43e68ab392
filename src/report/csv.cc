#include "report/csv.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "report/printable.h"

namespace heapledger::report {
namespace {

using Cells = std::vector<std::pair<std::string, std::string>>;  // column, field

bool starts_a_formula(std::string_view text) {
  constexpr std::array<std::string_view, 11> kOpenings{"=",  "+",      "-",      "@",      "\t",    "\r",
                                                       "\n", "\uFF1D", "\uFF0B", "\uFF0D", "\uFF20"};
  return std::any_of(kOpenings.begin(), kOpenings.end(), [text](std::string_view o) { return text.starts_with(o); });
}

// Tab and line breaks are data to CSV, other control characters would only reach a terminal.
std::string without_controls(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find_first_of("\t\r\n"), text.size());
    result += printable(text.substr(0, plain));
    text.remove_prefix(plain);
    const std::size_t kept = std::min(text.find_first_not_of("\t\r\n"), text.size());
    result += text.substr(0, kept);
    text.remove_prefix(kept);
  }
  return result;
}

std::string field_of(const Json& value) {
  if (value.is_null()) {
    return "";
  }
  return value.is_string() ? csv_text_field(value.get_ref<const std::string&>()) : value.dump();
}

void flatten(const Json& value, const std::string& name, Cells& cells) {
  if (!value.is_object()) {
    cells.emplace_back(name, field_of(value));
    return;
  }
  for (const auto& [key, member] : value.items()) {
    std::string column = name;
    column += name.empty() ? "" : "_";
    column += key;
    flatten(member, column, cells);
  }
}

std::string field_named(const Cells& cells, const std::string& column) {
  const auto found = std::find_if(cells.begin(), cells.end(), [&](const auto& cell) { return cell.first == column; });
  return found == cells.end() ? std::string() : found->second;
}

}  // namespace

std::string csv_text_field(std::string_view text) {
  std::string field = without_controls(text);
  if (starts_a_formula(field)) {
    field.insert(field.begin(), '\'');
  }
  if (field.find_first_of(",\"\r\n") == std::string::npos) {
    return field;
  }
  std::string quoted = "\"";
  for (const char character : field) {
    quoted += character == '"' ? std::string("\"\"") : std::string(1, character);
  }
  return quoted + "\"";
}

std::string write_csv(const Json& rows, const Json& full_row) {
  Cells columns;
  flatten(full_row, "", columns);
  std::string text;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    text += (i == 0 ? "" : ",") + columns[i].first;
  }
  text += "\r\n";
  for (const Json& row : rows) {
    Cells cells;
    flatten(row, "", cells);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      text += (i == 0 ? "" : ",") + field_named(cells, columns[i].first);
    }
    text += "\r\n";
  }
  return text;
}

}  // namespace heapledger::report
