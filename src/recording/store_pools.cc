// What the store keeps of connection pools.
#include <string_view>

#include "recording/store_state.h"
#include "recording/words.h"

namespace heapledger::recording {

std::int64_t Store::intern_pool(const PoolRow& pool) {
  const auto key = std::make_tuple(pool.worker, pool.library, pool.name, pool.settings);
  if (const auto known = state_->pools.find(key); known != state_->pools.end()) return known->second;
  Statement select(state_->database,
                   "SELECT id FROM pool WHERE worker = ? AND library = ? AND name = ? AND settings = ?");
  select.bind(pool.worker).bind(std::string_view(pool.library)).bind(std::string_view(pool.name));
  if (select.bind(std::string_view(pool.settings)).step()) return state_->pools[key] = select.integer(0);
  Statement insert(state_->database,
                   "INSERT INTO pool (worker, name, library, min_size, max_size, max_overflow, timeout_us, recycle_us, "
                   "settings) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(pool.worker).bind(std::string_view(pool.name)).bind(std::string_view(pool.library));
  insert.bind(pool.min_size).bind(pool.max_size).bind(pool.max_overflow).bind(pool.timeout_us).bind(pool.recycle_us);
  insert.bind(std::string_view(pool.settings)).run();
  return state_->pools[key] = state_->database.last_row_id();
}

void Store::put_connection(const ConnectionRow& row) {
  if (!state_->put_connection) {
    state_->put_connection = std::make_unique<Statement>(
        state_->database,
        "INSERT INTO connection (worker, pool, number, created_us, closed_us, state, allocated_bytes, live_bytes, "
        "native_bytes, last_event_us, endpoint, request_sequence, stack) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "?) "
        "ON CONFLICT (pool, number) DO UPDATE SET closed_us = excluded.closed_us, state = excluded.state, "
        "allocated_bytes = excluded.allocated_bytes, live_bytes = excluded.live_bytes, native_bytes = "
        "excluded.native_bytes, last_event_us = excluded.last_event_us, endpoint = excluded.endpoint, "
        "request_sequence = excluded.request_sequence, stack = excluded.stack "
        "WHERE excluded.last_event_us >= connection.last_event_us");
  }
  Statement& put = *state_->put_connection;
  put.reset();
  put.bind(row.worker).bind(row.pool).bind(row.number).bind(row.created_us).bind(row.closed_us);
  put.bind(std::string_view(word_for(kConnectionStateNames, row.state))).bind(row.allocated_bytes);
  put.bind(row.live_bytes).bind(row.native_bytes).bind(row.last_event_us).bind(row.endpoint);
  put.bind(row.request_sequence).bind(row.stack).run();
}

namespace {

constexpr char kEnd[] =
    "UPDATE connection SET state = CASE state WHEN 'orphan' THEN state ELSE 'closed' END, live_bytes = 0, "
    "native_bytes = CASE WHEN native_bytes IS NULL THEN NULL ELSE 0 END, closed_us = coalesce(closed_us, ?) ";

}  // namespace

void Store::end_connection(std::int64_t pool, std::int64_t number, std::int64_t at_us) {
  const std::string sql = std::string(kEnd) + "WHERE pool = ? AND number = ?";
  Statement(state_->database, sql.c_str()).bind(at_us).bind(pool).bind(number).run();
}

void Store::end_connections(std::int64_t worker, std::int64_t at_us) {
  const std::string sql = std::string(kEnd) + "WHERE worker = ? AND (closed_us IS NULL OR live_bytes <> 0)";
  Statement(state_->database, sql.c_str()).bind(at_us).bind(worker).run();
}

void Store::add_pool_event(const PoolEventRow& event) {
  if (!state_->add_pool_event) {
    state_->add_pool_event = std::make_unique<Statement>(
        state_->database,
        "INSERT INTO pool_event (worker, pool, at_us, kind, connection, endpoint, request_sequence, wait_us, hold_us, "
        "live_bytes, size, in_use, idle, waiters, stack) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  }
  Statement& insert = *state_->add_pool_event;
  insert.reset();
  insert.bind(event.worker).bind(event.pool).bind(event.at_us);
  insert.bind(std::string_view(word_for(kPoolEventKindNames, event.kind))).bind(event.connection);
  insert.bind(event.endpoint).bind(event.request_sequence).bind(event.wait_us).bind(event.hold_us);
  insert.bind(event.live_bytes).bind(event.size).bind(event.in_use).bind(event.idle).bind(event.waiters);
  insert.bind(event.stack).run();
}

std::int64_t Store::last_pool_event_us(std::int64_t worker) {
  Statement select(state_->database,
                   "SELECT coalesce(max(at_us), -9223372036854775807) FROM pool_event WHERE worker = ?");
  select.bind(worker).step();
  return select.integer(0);
}

void Store::set_dropped_pool_events(std::int64_t count) { state_->set_meta("dropped_pool_events", count); }

void Store::drop_oldest_pool_events(std::int64_t limit) {
  Database& database = state_->database;
  std::int64_t last = 0;
  std::int64_t since_us = 0;
  std::int64_t count = 0;
  {
    Statement oldest(database,
                     "SELECT count(*), coalesce(max(id), 0), coalesce(max(at_us), 0) FROM "
                     "(SELECT rowid AS id, at_us FROM pool_event ORDER BY rowid LIMIT ?)");
    oldest.bind(limit).step();
    count = oldest.integer(0);
    last = oldest.integer(1);
    since_us = oldest.integer(2) + 1;
  }
  if (count == 0) return;
  Statement(database, "DELETE FROM pool_event WHERE rowid <= ?").bind(last).run();
  Statement(database, "DELETE FROM connection WHERE state = 'closed' AND live_bytes = 0 AND closed_us < ?")
      .bind(since_us)
      .run();
  const std::int64_t before =
      database.query_integer("SELECT coalesce((SELECT value FROM meta WHERE key = 'folded_pool_events'), 0)");
  state_->set_meta("folded_pool_events", before + count);
  state_->set_meta("pool_events_since_us", since_us);
}

}  // namespace heapledger::recording
