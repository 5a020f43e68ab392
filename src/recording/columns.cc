#include "recording/columns.h"

#include <algorithm>
#include <string>

#include "recording/saturating.h"
#include "recording/words.h"

namespace heapledger::recording {
namespace {

template <class Names, class Value>
void read_word(const Names& names, Statement& select, int column, Value& value) {
  const std::string word = select.text(column);
  for (const auto& [known, meaning] : names) {
    if (word == known) {
      value = meaning;
      return;
    }
  }
  select.damaged(column);
}

}  // namespace

void read_value(Statement& select, int column, Holds holds, std::int64_t& value) {
  value = holds == Holds::kSize      ? select.size(column)
          : holds == Holds::kBalance ? select.balance(column)
                                     : select.integer(column);
}

void read_value(Statement& select, int column, Holds holds, std::optional<std::int64_t>& value) {
  value = holds == Holds::kSize      ? select.optional_size(column)
          : holds == Holds::kBalance ? select.optional_balance(column)
                                     : select.optional_integer(column);
}

void read_value(Statement& select, int column, Holds /*holds*/, std::int32_t& value) {
  value = static_cast<std::int32_t>(select.size(column) & 0x7FFFFFFF);
}

void read_value(Statement& select, int column, Holds /*holds*/, std::uint32_t& value) {
  value = static_cast<std::uint32_t>(select.size(column) & 0xFFFFFFFF);
}

void read_value(Statement& select, int column, Holds /*holds*/, double& value) { value = select.real(column); }

void read_value(Statement& select, int column, Holds /*holds*/, std::string& value) { value = select.text(column); }

void read_value(Statement& select, int column, Holds /*holds*/, std::optional<std::string>& value) {
  value = select.optional_text(column);
}

void read_value(Statement& select, int column, Holds /*holds*/, WorkerEnding& value) {
  read_word(kEndingNames, select, column, value);
}

void read_value(Statement& select, int column, Holds /*holds*/, OwnerTotalKind& value) {
  read_word(kTotalKindNames, select, column, value);
}

std::int64_t storable(Holds holds, std::int64_t value) noexcept {
  const bool figure = holds == Holds::kSize || holds == Holds::kBalance;
  return figure ? std::clamp(value, holds == Holds::kSize ? 0 : -kLargestFigure, kLargestFigure) : value;
}

std::optional<std::int64_t> storable(Holds holds, const std::optional<std::int64_t>& value) noexcept {
  return value ? std::optional(storable(holds, *value)) : std::nullopt;
}

void bind_value(Statement& statement, std::int64_t value) { statement.bind(value); }
void bind_value(Statement& statement, std::int32_t value) { statement.bind(std::int64_t{value}); }
void bind_value(Statement& statement, std::uint32_t value) { statement.bind(std::int64_t{value}); }
void bind_value(Statement& statement, const std::optional<std::int64_t>& value) { statement.bind(value); }
void bind_value(Statement& statement, double value) { statement.bind(value); }
void bind_value(Statement& statement, const std::string& value) { statement.bind(std::string_view(value)); }

void bind_value(Statement& statement, const std::optional<std::string>& value) {
  value ? statement.bind(std::string_view(*value)) : statement.bind_null();
}

void bind_value(Statement& statement, WorkerEnding value) {
  statement.bind(std::string_view(word_for(kEndingNames, value)));
}
void bind_value(Statement& statement, OwnerTotalKind value) {
  statement.bind(std::string_view(word_for(kTotalKindNames, value)));
}

}  // namespace heapledger::recording
