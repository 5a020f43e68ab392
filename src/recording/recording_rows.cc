// The rows of an open recording, each checked for type, sign and references before it is handed out.
#include <map>

#include "recording/figures.h"
#include "recording/process_table.h"
#include "recording/recording_state.h"

namespace heapledger::recording {
void Recording::State::damaged(const std::string& what) const {
  throw RecordingError(path.string() + " is damaged: " + what);
}

void Recording::State::load_references() {
  const auto load = [this](const char* sql, std::unordered_set<std::int64_t>& ids) {
    Statement select(*database, sql);
    while (select.step()) ids.insert(select.integer(0));
  };
  load("SELECT id FROM worker", workers);
  load("SELECT id FROM endpoint", endpoints);
  load("SELECT id FROM content_type", content_types);
  load("SELECT id FROM content_encoding", content_encodings);
  load("SELECT id FROM stack", stacks);
}

void Recording::State::check(Holds holds, std::int64_t id) const {
  if (holds == Holds::kWorker && !workers.contains(id)) damaged("a row names an unknown worker");
  if (holds == Holds::kEndpoint && !endpoints.contains(id)) damaged("a row names an unknown endpoint");
  if (holds == Holds::kContentType && !content_types.contains(id)) damaged("a row names an unknown content type");
  if (holds == Holds::kContentEncoding && !content_encodings.contains(id)) {
    damaged("a row names an unknown content encoding");
  }
  if (holds == Holds::kStack && !stacks.contains(id)) damaged("a row names an unknown stack");
}

std::int64_t Recording::State::worker(Statement& row, int column) const {
  const std::int64_t id = row.integer(column);
  check(Holds::kWorker, id);
  return id;
}

std::int64_t Recording::State::endpoint(Statement& row, int column) const {
  const std::int64_t id = row.integer(column);
  check(Holds::kEndpoint, id);
  return id;
}

std::optional<std::int64_t> Recording::State::optional_endpoint(Statement& row, int column) const {
  return row.is_null(column) ? std::nullopt : std::optional(endpoint(row, column));
}

MetaRow Recording::read_meta() const {
  const auto integer = [this](const char* key) -> std::optional<std::int64_t> {
    Statement select(*state_->database, "SELECT value FROM meta WHERE key = ?");
    return select.bind(std::string_view(key)).step() ? std::optional(select.integer(0)) : std::nullopt;
  };
  const auto text = [this](const char* key) {
    Statement select(*state_->database, "SELECT value FROM meta WHERE key = ?");
    return select.bind(std::string_view(key)).step() ? select.text(0) : std::string();
  };
  const std::optional<std::int64_t> started = integer("started_unix_ns");
  if (!started) state_->damaged("it does not say when it began");
  MetaRow meta;
  meta.schema_version = static_cast<int>(state_->database->query_integer("PRAGMA user_version"));
  meta.heapledger_version = text("heapledger_version");
  meta.command = text("command");
  meta.mode = text("mode");
  meta.started_unix_ns = *started;
  meta.ended_unix_ns = integer("ended_unix_ns");
  meta.native = integer("native").value_or(0) != 0;
  meta.complete = integer("complete").value_or(0) != 0;
  meta.workers_without_ledger = integer("workers_without_ledger").value_or(0);
  meta.run_folder_lost = integer("run_folder_lost").value_or(0) != 0;
  meta.dropped_requests = integer("dropped_requests").value_or(0);
  meta.memory_limit_bytes = integer("memory_limit_bytes");
  meta.memory_limit_source = text("memory_limit_source");
  meta.single_requests_since_us = integer("single_requests_since_us");
  const std::string space = text("writer_pid_namespace");
  if (!meta.ended_unix_ns && !space.empty() && space == pid_namespace()) {
    const auto pid = static_cast<std::uint64_t>(integer("writer_pid").value_or(0));
    meta.writer_runs = process_runs(pid, static_cast<std::uint64_t>(integer("writer_start_ticks").value_or(0)));
  }
  return meta;
}

std::vector<WorkerRow> Recording::workers() const { return state_->read_all(kWorkerTable, "ORDER BY id"); }

std::vector<EndpointRow> Recording::endpoints() const {
  Statement select(*state_->database, "SELECT id, method, route, version, deprecated FROM endpoint ORDER BY id");
  std::vector<EndpointRow> rows;
  while (select.step()) {
    rows.push_back({select.integer(0), select.text(1), select.text(2), select.text(3), select.integer(4) != 0});
  }
  return rows;
}

std::vector<ContentTypeRow> Recording::content_types() const {
  Statement select(*state_->database, "SELECT id, name FROM content_type ORDER BY id");
  std::vector<ContentTypeRow> rows;
  while (select.step()) rows.push_back({select.integer(0), select.text(1)});
  return rows;
}

std::vector<ContentEncodingRow> Recording::content_encodings() const {
  Statement select(*state_->database, "SELECT id, name FROM content_encoding ORDER BY id");
  std::vector<ContentEncodingRow> rows;
  while (select.step()) rows.push_back({select.integer(0), select.text(1)});
  return rows;
}

std::vector<BodyLimitRow> Recording::body_limits() const {
  return state_->read_all(kBodyLimitTable, "ORDER BY worker, rowid");
}

std::vector<PayloadRow> Recording::payloads() const { return state_->read_all(kPayloadTable, "ORDER BY id"); }

std::vector<RequestRow> Recording::requests(const RequestFilter& filter) const {
  std::vector<RequestRow> rows;
  for_each_request(filter, [&rows](const RequestRow& row) { rows.push_back(row); });
  return rows;
}

void Recording::for_each_request(const RequestFilter& filter,
                                 const std::function<void(const RequestRow&)>& visit) const {
  std::string sql = select_from(kRequestTable, "WHERE 1");
  if (filter.route || filter.method) sql += " AND endpoint IN (SELECT id FROM endpoint WHERE 1";
  if (filter.route) sql += " AND route = ?";
  if (filter.method) sql += " AND method = ?";
  if (filter.route || filter.method) sql += ")";
  if (filter.worker) sql += " AND worker = ?";
  if (filter.since_us) sql += " AND started_us >= ?";
  if (filter.until_us) sql += " AND started_us < ?";
  sql += " ORDER BY id";
  Statement select(*state_->database, sql.c_str());
  if (filter.route) select.bind(std::string_view(*filter.route));
  if (filter.method) select.bind(std::string_view(*filter.method));
  for (const auto& number : {filter.worker, filter.since_us, filter.until_us}) {
    if (number) select.bind(*number);
  }
  std::optional<std::int64_t> last_id;
  while (select.step()) {
    const RequestRow row = state_->read(kRequestTable, select);
    // A page that is reached twice, or in the wrong place, shows here.
    if (last_id && row.id <= *last_id) state_->damaged("requests are out of order");
    last_id = row.id;
    visit(row);
  }
}

std::vector<OwnerTotalRow> Recording::owner_totals() const {
  return state_->read_all(kOwnerTotalTable, "ORDER BY worker, rowid");
}

std::vector<InFlightRow> Recording::in_flight() const {
  return state_->read_all(kInFlightTable, "ORDER BY worker, sequence");
}

std::vector<PeakRow> Recording::peaks() const {
  std::vector<PeakRow> rows = state_->read_all(kPeakTable, "ORDER BY worker");
  std::map<std::int64_t, std::size_t> by_worker;
  for (std::size_t i = 0; i < rows.size(); ++i) by_worker[rows[i].worker] = i;
  Statement members(*state_->database,
                    "SELECT worker, endpoint, sequence, live_bytes FROM peak_member ORDER BY worker, rowid");
  while (members.step()) {
    const auto found = by_worker.find(state_->worker(members, 0));
    if (found == by_worker.end()) state_->damaged("a peak's composition has no peak");
    rows[found->second].members.push_back({state_->optional_endpoint(members, 1), members.integer(2), members.size(3)});
  }
  return rows;
}

std::vector<TimelineRow> Recording::timeline() const {
  return state_->read_all(kTimelineTable, "ORDER BY worker, at_us, rowid");
}

std::vector<NoteRow> Recording::notes() const {
  Statement select(*state_->database, "SELECT executable, python, reason FROM process_note ORDER BY rowid");
  std::vector<NoteRow> rows;
  while (select.step()) rows.push_back({select.text(0), select.text(1), select.text(2)});
  return rows;
}

std::vector<SliceRow> Recording::slices() const {
  Statement select(*state_->database,
                   "SELECT endpoint, from_us, until_us, requests, errors, figures FROM endpoint_slice "
                   "ORDER BY endpoint, from_us");
  std::vector<SliceRow> rows;
  while (select.step()) {
    SliceRow row;
    row.endpoint = state_->endpoint(select, 0);
    row.from_us = select.integer(1);
    row.until_us = select.integer(2);
    row.requests = select.size(3);
    row.errors = select.size(4);
    try {
      parse_figures_json(select.text(5), row);
    } catch (const RecordingError&) {
      throw;
    } catch (const std::exception&) {
      state_->damaged("a time slice cannot be read");
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace heapledger::recording
