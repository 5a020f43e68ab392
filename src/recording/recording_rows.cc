// The rows of an open recording, each checked for type, sign and references before it is handed out.
#include <array>
#include <map>
#include <utility>

#include "recording/figures.h"
#include "recording/recording_state.h"
#include "recording/request_columns.h"

namespace heapledger::recording {
namespace {

constexpr std::array kEndings{std::pair{"running", WorkerEnding::kRunning}, std::pair{"frozen", WorkerEnding::kFrozen},
                              std::pair{"died", WorkerEnding::kDied}, std::pair{"displaced", WorkerEnding::kDisplaced}};

constexpr std::array kTotalKinds{
    std::pair{"service", OwnerTotalKind::kService}, std::pair{"import", OwnerTotalKind::kImport},
    std::pair{"request", OwnerTotalKind::kRequest}, std::pair{"open", OwnerTotalKind::kOpen},
    std::pair{"tenured", OwnerTotalKind::kTenured}, std::pair{"retired", OwnerTotalKind::kRetired}};

template <typename Table>
auto named(const Table& table, const std::string& name) -> std::optional<decltype(table[0].second)> {
  for (const auto& [known, value] : table) {
    if (name == known) return value;
  }
  return std::nullopt;
}

}  // namespace

RequestRow read_request(Statement& select) {
  RequestRow row;
  row.id = select.integer(0);
  row.worker = select.integer(1);
  row.sequence = select.integer(2);
  row.endpoint = select.integer(3);
  row.started_us = select.integer(4);
  row.duration_us = select.size(5);
  row.status = static_cast<std::int32_t>(select.size(6) & 0x7FFFFFFF);
  row.flags = static_cast<std::uint32_t>(select.size(7) & 0xFFFFFFFF);
  row.received_bytes = select.size(8);
  row.sent_bytes = select.size(9);
  row.request_type = select.optional_integer(10);
  row.response_type = select.optional_integer(11);
  row.in_flight_at_start = select.size(12);
  row.in_flight_peak = select.size(13);
  row.allocated_bytes = select.size(14);
  row.allocations = select.size(15);
  row.peak_bytes = select.size(16);
  row.escaped_bytes = select.size(17);
  row.isolated_bytes = select.size(18);
  row.adopted_bytes = select.size(19);
  row.native_allocated_bytes = select.optional_size(20);
  row.native_peak_bytes = select.optional_size(21);
  row.byte_seconds = select.real(22);
  row.running_us = select.size(23);
  row.after_response_bytes = select.size(24);
  return row;
}

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
}

std::int64_t Recording::State::worker(Statement& row, int column) const {
  const std::int64_t id = row.integer(column);
  if (!workers.contains(id)) damaged("a row names an unknown worker");
  return id;
}

std::int64_t Recording::State::endpoint(Statement& row, int column) const {
  const std::int64_t id = row.integer(column);
  if (!endpoints.contains(id)) damaged("a row names an unknown endpoint");
  return id;
}

std::optional<std::int64_t> Recording::State::optional_endpoint(Statement& row, int column) const {
  return row.is_null(column) ? std::nullopt : std::optional(endpoint(row, column));
}

void Recording::State::check_request(const RequestRow& request) const {
  if (!workers.contains(request.worker)) damaged("a request names an unknown worker");
  if (!endpoints.contains(request.endpoint)) damaged("a request names an unknown endpoint");
  for (const auto& type : {request.request_type, request.response_type}) {
    if (type && !content_types.contains(*type)) damaged("a request names an unknown content type");
  }
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
  meta.dropped_requests = integer("dropped_requests").value_or(0);
  meta.single_requests_since_us = integer("single_requests_since_us");
  return meta;
}

std::vector<WorkerRow> Recording::workers() const {
  Statement select(*state_->database,
                   "SELECT id, pid, parent_pid, python, server, rule, started_us, ended_us, ending, allocated_bytes, "
                   "freed_bytes, live_bytes, unattributed_bytes, audited_live_bytes, audited_owner_mismatches, "
                   "dropped_requests, approximate_requests, untracked_blocks, foreign_blocks, folded_endpoints, "
                   "displaced_us, rss_bytes, allocator_retained_bytes, heapledger_bytes FROM worker ORDER BY id");
  std::vector<WorkerRow> rows;
  while (select.step()) {
    WorkerRow row;
    row.id = select.integer(0);
    row.pid = select.integer(1);
    row.parent_pid = select.integer(2);
    row.python = select.text(3);
    row.server = select.text(4);
    row.rule = select.text(5);
    row.started_us = select.integer(6);
    row.ended_us = select.optional_integer(7);
    const auto ending = named(kEndings, select.text(8));
    if (!ending) state_->damaged("a worker ended in an unknown way");
    row.ending = *ending;
    row.allocated_bytes = select.size(9);
    row.freed_bytes = select.integer(10);
    row.live_bytes = select.integer(11);
    row.unattributed_bytes = select.size(12);
    row.audited_live_bytes = select.optional_integer(13);
    row.audited_owner_mismatches = select.optional_size(14);
    row.dropped_requests = select.size(15);
    row.approximate_requests = select.size(16);
    row.untracked_blocks = select.size(17);
    row.foreign_blocks = select.size(18);
    row.folded_endpoints = select.size(19);
    row.displaced_us = select.optional_integer(20);
    row.rss_bytes = select.optional_size(21);
    row.allocator_retained_bytes = select.optional_size(22);
    row.heapledger_bytes = select.optional_size(23);
    rows.push_back(std::move(row));
  }
  return rows;
}

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

std::vector<RequestRow> Recording::requests(const RequestFilter& filter) const {
  std::vector<RequestRow> rows;
  for_each_request(filter, [&rows](const RequestRow& row) { rows.push_back(row); });
  return rows;
}

void Recording::for_each_request(const RequestFilter& filter,
                                 const std::function<void(const RequestRow&)>& visit) const {
  std::string sql = "SELECT " HEAPLEDGER_REQUEST_COLUMNS " FROM request WHERE 1";
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
    const RequestRow row = read_request(select);
    state_->check_request(row);
    // A page that is reached twice, or in the wrong place, shows here.
    if (last_id && row.id <= *last_id) state_->damaged("requests are out of order");
    last_id = row.id;
    visit(row);
  }
}

std::vector<OwnerTotalRow> Recording::owner_totals() const {
  Statement select(*state_->database,
                   "SELECT worker, kind, endpoint, name, owners, allocated_bytes, freed_bytes, live_bytes "
                   "FROM owner_total ORDER BY worker, rowid");
  std::vector<OwnerTotalRow> rows;
  while (select.step()) {
    OwnerTotalRow row;
    row.worker = state_->worker(select, 0);
    const auto kind = named(kTotalKinds, select.text(1));
    if (!kind) state_->damaged("an owner is of an unknown kind");
    row.kind = *kind;
    row.endpoint = state_->optional_endpoint(select, 2);
    row.name = select.optional_text(3);
    row.owners = select.size(4);
    row.allocated_bytes = select.size(5);
    row.freed_bytes = select.integer(6);
    row.live_bytes = select.integer(7);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<InFlightRow> Recording::in_flight() const {
  Statement select(*state_->database,
                   "SELECT worker, endpoint, sequence, started_us, live_bytes, peak_bytes, allocated_bytes "
                   "FROM in_flight ORDER BY worker, sequence");
  std::vector<InFlightRow> rows;
  while (select.step()) {
    InFlightRow row;
    row.worker = state_->worker(select, 0);
    row.endpoint = state_->optional_endpoint(select, 1);
    row.sequence = select.integer(2);
    row.started_us = select.integer(3);
    row.live_bytes = select.integer(4);
    row.peak_bytes = select.size(5);
    row.allocated_bytes = select.size(6);
    rows.push_back(row);
  }
  return rows;
}

std::vector<PeakRow> Recording::peaks() const {
  std::vector<PeakRow> rows;
  std::map<std::int64_t, std::size_t> by_worker;
  Statement select(*state_->database, "SELECT worker, at_us, live_bytes, in_flight FROM peak ORDER BY worker");
  while (select.step()) {
    PeakRow row;
    row.worker = state_->worker(select, 0);
    row.at_us = select.integer(1);
    row.live_bytes = select.size(2);
    row.in_flight = select.size(3);
    by_worker[row.worker] = rows.size();
    rows.push_back(std::move(row));
  }
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
  Statement select(*state_->database,
                   "SELECT worker, at_us, rss_bytes, live_bytes, in_flight, arena_bytes, allocator_retained_bytes "
                   "FROM timeline ORDER BY worker, at_us, rowid");
  std::vector<TimelineRow> rows;
  while (select.step()) {
    TimelineRow row;
    row.worker = state_->worker(select, 0);
    row.at_us = select.integer(1);
    row.rss_bytes = select.optional_size(2);
    row.live_bytes = select.integer(3);
    row.in_flight = select.size(4);
    row.arena_bytes = select.optional_size(5);
    row.allocator_retained_bytes = select.optional_size(6);
    rows.push_back(row);
  }
  return rows;
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
