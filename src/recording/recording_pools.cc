// The rows about connection pools.
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "recording/recording_state.h"
#include "recording/words.h"

namespace heapledger::recording {
namespace {

template <class Names, class Value>
bool read_word(const Names& names, const std::string& word, Value& value) {
  for (const auto& [known, meaning] : names) {
    if (word == known) {
      value = meaning;
      return true;
    }
  }
  return false;
}

}  // namespace

std::vector<PoolRow> Recording::pools() const {
  Statement select(*state_->database,
                   "SELECT id, worker, name, library, min_size, max_size, max_overflow, timeout_us, recycle_us, "
                   "settings FROM pool ORDER BY id");
  std::vector<PoolRow> rows;
  while (select.step()) {
    rows.push_back({select.integer(0), state_->worker(select, 1), select.text(2), select.text(3),
                    select.optional_integer(4), select.optional_integer(5), select.optional_integer(6),
                    select.optional_integer(7), select.optional_integer(8), select.text(9)});
  }
  return rows;
}

void Recording::for_each_connection(const std::function<void(const ConnectionRow&)>& visit) const {
  Statement select(*state_->database,
                   "SELECT worker, pool, number, created_us, closed_us, state, allocated_bytes, live_bytes, "
                   "native_bytes, last_event_us, endpoint, request_sequence, stack FROM connection "
                   "ORDER BY pool, number");
  ConnectionRow row;
  while (select.step()) {
    row.worker = state_->worker(select, 0);
    row.pool = select.integer(1);
    row.number = select.integer(2);
    row.created_us = select.integer(3);
    row.closed_us = select.optional_integer(4);
    if (!read_word(kConnectionStateNames, select.text(5), row.state))
      state_->damaged("a connection has no known state");
    row.allocated_bytes = select.size(6);
    row.live_bytes = select.balance(7);
    row.native_bytes = select.optional_balance(8);
    row.last_event_us = select.integer(9);
    row.endpoint = state_->optional_endpoint(select, 10);
    row.request_sequence = select.optional_integer(11);
    row.stack = select.optional_integer(12);
    if (row.stack) state_->check(Holds::kStack, *row.stack);
    visit(row);
  }
}

// Without their stacks: connections have the one that counts, and events may be a million.
void Recording::for_each_pool_event(const std::function<void(const PoolEventRow&)>& visit) const {
  Statement select(*state_->database,
                   "SELECT worker, pool, at_us, kind, connection, endpoint, request_sequence, wait_us, hold_us, "
                   "live_bytes, size, in_use, idle, waiters FROM pool_event ORDER BY rowid");
  PoolEventRow row;
  while (select.step()) {
    row.worker = state_->worker(select, 0);
    row.pool = select.integer(1);
    row.at_us = select.integer(2);
    if (!read_word(kPoolEventKindNames, select.text(3), row.kind))
      state_->damaged("an event of a pool has no known kind");
    row.connection = select.optional_integer(4);
    row.endpoint = state_->optional_endpoint(select, 5);
    row.request_sequence = select.optional_integer(6);
    row.wait_us = select.optional_size(7);
    row.hold_us = select.optional_size(8);
    row.live_bytes = select.optional_balance(9);
    row.size = select.size(10);
    row.in_use = select.size(11);
    row.idle = select.size(12);
    row.waiters = select.optional_size(13);
    visit(row);
  }
}

PoolLosses Recording::pool_losses() const {
  const auto value = [this](const char* key) -> std::optional<std::int64_t> {
    Statement select(*state_->database, "SELECT value FROM meta WHERE key = ?");
    return select.bind(std::string_view(key)).step() ? std::optional(select.integer(0)) : std::nullopt;
  };
  return {value("dropped_pool_events").value_or(0), value("folded_pool_events").value_or(0),
          value("pool_events_since_us")};
}

std::map<std::string, double> number_settings(const PoolRow& row) {
  std::map<std::string, double> numbers;
  const nlohmann::json settings = nlohmann::json::parse(row.settings, nullptr, false);
  if (!settings.is_object()) return numbers;
  for (const auto& [name, value] : settings.items()) {
    if (value.is_number() && std::isfinite(value.get<double>())) numbers[name] = value.get<double>();
  }
  return numbers;
}

}  // namespace heapledger::recording
