// How a recording stays within --max-size: the oldest single requests become per-endpoint time slices.
#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "recording/columns.h"
#include "recording/figures.h"
#include "recording/recording.h"
#include "recording/store_state.h"

namespace heapledger::recording {
namespace {

using SliceKey = std::pair<std::int64_t, std::int64_t>;  // endpoint, from_us

std::int64_t slice_start(std::int64_t at_us, std::int64_t span_us) {
  const std::int64_t rest = at_us % span_us;
  return at_us - (rest < 0 ? rest + span_us : rest);
}

std::optional<SliceRow> load_slice(Database& database, const SliceKey& key) {
  Statement select(database,
                   "SELECT until_us, requests, errors, figures FROM endpoint_slice WHERE endpoint = ? AND from_us = ?");
  select.bind(key.first).bind(key.second);
  if (!select.step()) return std::nullopt;
  SliceRow slice;
  slice.endpoint = key.first;
  slice.from_us = key.second;
  slice.until_us = select.integer(0);
  slice.requests = select.size(1);
  slice.errors = select.size(2);
  parse_figures_json(select.text(3), slice);
  return slice;
}

void save_slice(Database& database, const SliceRow& slice) {
  const std::string figures = figures_json(slice);
  Statement(database,
            "INSERT OR REPLACE INTO endpoint_slice (endpoint, from_us, until_us, requests, errors, figures) "
            "VALUES (?, ?, ?, ?, ?, ?)")
      .bind(slice.endpoint)
      .bind(slice.from_us)
      .bind(slice.until_us)
      .bind(slice.requests)
      .bind(slice.errors)
      .bind(std::string_view(figures))
      .run();
}

}  // namespace

std::int64_t Store::used_bytes() {
  Database& database = state_->database;
  const std::int64_t pages =
      database.query_integer("PRAGMA page_count") - database.query_integer("PRAGMA freelist_count");
  return pages * database.query_integer("PRAGMA page_size");
}

bool Store::fold_oldest(std::int64_t limit) {
  Database& database = state_->database;
  std::map<SliceKey, SliceRow> slices;
  std::int64_t last_id = -1;
  std::int64_t since_us = database.query_integer(
      "SELECT coalesce((SELECT value FROM meta WHERE key = 'single_requests_since_us'), -9223372036854775807)");
  const std::int64_t span = state_->slice_span_us;
  Statement select(database, select_from(kRequestTable, "ORDER BY id LIMIT ?").c_str());
  select.bind(limit);
  while (select.step()) {
    const RequestRow request = read_row(kRequestTable, select);
    const SliceKey key{request.endpoint, slice_start(request.started_us, span)};
    SliceRow& slice = slices[key];
    slice.endpoint = key.first;
    slice.from_us = key.second;
    slice.until_us = key.second + span;
    recording::add_request(slice, request);
    last_id = request.id;
    since_us = std::max(since_us, request.started_us + 1);
  }
  if (slices.empty()) return false;
  for (auto& [key, slice] : slices) {
    if (const std::optional<SliceRow> stored = load_slice(database, key)) merge(slice, *stored);
    save_slice(database, slice);
  }
  Statement(database, "DELETE FROM request WHERE id <= ?").bind(last_id).run();
  state_->set_meta("single_requests_since_us", since_us);
  return true;
}

void Store::coarsen(std::int64_t budget_bytes) {
  Database& database = state_->database;
  if (database.query_integer("SELECT coalesce(sum(length(figures)), 0) FROM endpoint_slice") > budget_bytes / 2) {
    state_->slice_span_us *= 2;
    std::map<SliceKey, SliceRow> slices;
    Statement select(database, "SELECT endpoint, from_us FROM endpoint_slice ORDER BY endpoint, from_us");
    while (select.step()) {
      const SliceKey old{select.integer(0), select.integer(1)};
      const SliceKey key{old.first, slice_start(old.second, state_->slice_span_us)};
      SliceRow& slice = slices[key];
      slice.endpoint = key.first;
      slice.from_us = key.second;
      slice.until_us = key.second + state_->slice_span_us;
      if (const std::optional<SliceRow> stored = load_slice(database, old)) merge(slice, *stored);
    }
    select.reset();
    database.execute("DELETE FROM endpoint_slice");
    for (const auto& [key, slice] : slices) save_slice(database, slice);
  }
  constexpr std::int64_t kTimelineRowBytes = 40;
  if (database.query_integer("SELECT count(*) FROM timeline") * kTimelineRowBytes > budget_bytes / 2) {
    database.execute(
        "DELETE FROM timeline WHERE rowid % 2 = 1 AND rowid <= (SELECT (min(rowid) + max(rowid)) / 2 FROM timeline)");
  }
}

}  // namespace heapledger::recording
