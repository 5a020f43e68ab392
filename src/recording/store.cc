#include "recording/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "recording/columns.h"
#include "recording/process_table.h"
#include "recording/recording.h"
#include "recording/schema_sql.h"
#include "recording/store_state.h"
#include "recording/text.h"

namespace heapledger::recording {
namespace {

constexpr char kIdentity[] = "PRAGMA application_id = 0x484C4752; PRAGMA user_version = 1";

// What a killed predecessor left under this name is ours to remove.
constexpr char kBuildingSuffix[] = ".heapledger-new";

RecordingError cannot_create(const std::string& path, int error) {
  return RecordingError("cannot create " + path + ": " + std::strerror(error));
}

// SQLite would follow or reuse what is there; we refuse both.
void create_empty_file(const std::string& file, const std::string& path) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0) throw cannot_create(path, errno);
  ::close(fd);
}

// 0, or the errno: EEXIST when something has the name.
int rename_to_free_name(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // File systems that cannot rename so (NFS) can link.
  if (::link(from.c_str(), to.c_str()) == 0) return ::unlink(from.c_str()) == 0 ? 0 : errno;
  if (errno == EEXIST) return EEXIST;
  struct stat info {};
  if (::lstat(to.c_str(), &info) == 0) return EEXIST;
  return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

void remove_sidecars(const std::string& path) noexcept {
  for (const char* suffix : {"-wal", "-shm", "-journal"}) ::unlink((path + suffix).c_str());
}

void remove_files(const std::string& path) noexcept {
  ::unlink(path.c_str());
  remove_sidecars(path);
}

}  // namespace

void Store::State::prepare() {
  const auto prepared = [this](const std::string& sql) { return std::make_unique<Statement>(database, sql.c_str()); };
  add_request = prepared("INSERT " + insert_into(kRequestTable, 1, kPayloadTable));
  add_timeline = prepared("INSERT " + insert_into(kTimelineTable));
  add_owner_total = prepared("INSERT " + insert_into(kOwnerTotalTable));
  update_worker = prepared("REPLACE " + insert_into(kWorkerTable));
}

void Store::State::set_meta(const char* key, std::int64_t value) {
  Statement statement(database, "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)");
  statement.bind(std::string_view(key)).bind(value).run();
}

void Store::State::set_meta(const char* key, const std::string& value) {
  Statement statement(database, "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)");
  statement.bind(std::string_view(key)).bind(std::string_view(value)).run();
}

void Store::State::set_writer() {
  const auto pid = static_cast<std::uint64_t>(::getpid());
  set_meta("writer_pid", static_cast<std::int64_t>(pid));
  set_meta("writer_start_ticks", static_cast<std::int64_t>(process_start_ticks(pid).value_or(0)));
  set_meta("writer_pid_namespace", pid_namespace());
}

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::~Store() { roll_back(); }

void Store::State::build(const Beginning& beginning) {
  // No journal beside it: killed here, the file is nobody's.
  database.execute("PRAGMA page_size = 4096; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = NORMAL");
  database.execute("BEGIN IMMEDIATE");
  database.execute(kIdentity);
  database.execute(kSchemaSql);
  set_meta("heapledger_version", beginning.heapledger_version);
  set_meta("command", clean_text(beginning.command));
  set_meta("mode", beginning.mode);
  set_meta("native", std::int64_t{beginning.native});
  set_meta("complete", std::int64_t{0});
  set_meta("dropped_requests", std::int64_t{0});
  set_meta("started_unix_ns", beginning.started_unix_ns);
  set_writer();
  database.execute("COMMIT");
}

std::unique_ptr<Store> Store::create(const std::string& path, const Beginning& beginning) {
  // It has its name only once it is a whole recording: killed at any moment, what is there says whose it is.
  const std::string building = path + kBuildingSuffix;
  remove_files(building);
  create_empty_file(building, path);
  try {
    State(building, Database::Access::kWrite, path).build(beginning);
    struct stat info {};
    if (::lstat(path.c_str(), &info) == 0) throw cannot_create(path, EEXIST);
    remove_sidecars(path);  // of nothing: SQLite would take them for this file's
    if (const int error = rename_to_free_name(building, path); error != 0) throw cannot_create(path, error);
  } catch (...) {
    remove_files(building);
    throw;
  }
  try {
    auto state = std::make_unique<State>(path, Database::Access::kWrite);
    state->database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    state->started_unix_ns = beginning.started_unix_ns;
    state->prepare();
    // It has the file's locks, by which others see that it is written, from its first look into the log on.
    state->database.query_integer("SELECT count(*) FROM meta");
    return std::unique_ptr<Store>(new Store(std::move(state)));
  } catch (...) {
    remove_files(path);
    throw;
  }
}

std::unique_ptr<Store> Store::reopen(const std::string& path) {
  {
    const Recording check(path);  // refuses whatever is not a recording of this version
  }
  auto state = std::make_unique<State>(path, Database::Access::kWrite);
  state->database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  state->started_unix_ns = state->database.query_integer("SELECT value FROM meta WHERE key = 'started_unix_ns'");
  const std::int64_t span =
      state->database.query_integer("SELECT coalesce(max(until_us - from_us), 0) FROM endpoint_slice");
  if (span > state->slice_span_us) state->slice_span_us = span;
  state->prepare();
  return std::unique_ptr<Store>(new Store(std::move(state)));
}

const std::string& Store::path() const noexcept { return state_->database.path(); }
std::int64_t Store::started_unix_ns() const noexcept { return state_->started_unix_ns; }

void Store::begin() { state_->database.execute("BEGIN IMMEDIATE"); }
void Store::commit() { state_->database.execute("COMMIT"); }

void Store::roll_back() noexcept {
  if (!state_ || !state_->database.in_transaction()) return;
  try {
    state_->database.execute("ROLLBACK");
  } catch (...) {  // the transaction is gone either way once the database closes
  }
  // Ids handed out inside the lost transaction are void.
  state_->endpoints.clear();
  state_->content_types.clear();
  state_->content_encodings.clear();
  state_->places.clear();
  state_->stacks.clear();
  state_->pools.clear();
}

std::int64_t Store::intern_endpoint(const EndpointRow& endpoint) {
  const auto key = std::make_tuple(endpoint.method, endpoint.route, endpoint.version, endpoint.deprecated);
  if (const auto known = state_->endpoints.find(key); known != state_->endpoints.end()) return known->second;
  Statement insert(state_->database,
                   "INSERT OR IGNORE INTO endpoint (method, route, version, deprecated) VALUES (?, ?, ?, ?)");
  insert.bind(std::string_view(endpoint.method)).bind(std::string_view(endpoint.route));
  insert.bind(std::string_view(endpoint.version)).bind(std::int64_t{endpoint.deprecated}).run();
  Statement select(state_->database,
                   "SELECT id FROM endpoint WHERE method = ? AND route = ? AND version = ? AND deprecated = ?");
  select.bind(std::string_view(endpoint.method)).bind(std::string_view(endpoint.route));
  select.bind(std::string_view(endpoint.version)).bind(std::int64_t{endpoint.deprecated});
  select.step();
  return state_->endpoints[key] = select.integer(0);
}

std::int64_t Store::intern_content_type(const std::string& name) {
  if (const auto known = state_->content_types.find(name); known != state_->content_types.end()) return known->second;
  Statement insert(state_->database, "INSERT OR IGNORE INTO content_type (name) VALUES (?)");
  insert.bind(std::string_view(name)).run();
  Statement select(state_->database, "SELECT id FROM content_type WHERE name = ?");
  select.bind(std::string_view(name)).step();
  return state_->content_types[name] = select.integer(0);
}

std::int64_t Store::add_worker(const WorkerRow& worker) {
  Statement insert(state_->database, ("INSERT " + insert_into(kWorkerTable, 1)).c_str());
  bind_row(kWorkerTable, insert, worker, 1);
  insert.run();
  return state_->database.last_row_id();
}

void Store::update_worker(const WorkerRow& worker) {
  Statement& update = *state_->update_worker;
  update.reset();
  bind_row(kWorkerTable, update, worker);
  update.run();
}

void Store::add_request(const RequestRow& row, const PayloadRow& payload) {
  Statement& insert = *state_->add_request;
  insert.reset();
  bind_row(kRequestTable, insert, row, 1);
  bind_row(kPayloadTable, insert, payload);
  insert.run();
}

void Store::replace_owner_totals(std::int64_t worker, const std::vector<OwnerTotalRow>& totals) {
  Statement(state_->database, "DELETE FROM owner_total WHERE worker = ?").bind(worker).run();
  Statement& insert = *state_->add_owner_total;
  for (OwnerTotalRow row : totals) {
    row.worker = worker;
    insert.reset();
    bind_row(kOwnerTotalTable, insert, row);
    insert.run();
  }
}

void Store::replace_in_flight(std::int64_t worker, const std::vector<InFlightRow>& requests) {
  Statement(state_->database, "DELETE FROM in_flight WHERE worker = ?").bind(worker).run();
  if (requests.empty()) return;
  Statement insert(state_->database, ("INSERT " + insert_into(kInFlightTable)).c_str());
  for (InFlightRow row : requests) {
    row.worker = worker;
    bind_row(kInFlightTable, insert, row);
    insert.run();
  }
}

void Store::replace_peak(const PeakRow& peak) {
  Statement(state_->database, "DELETE FROM peak_member WHERE worker = ?").bind(peak.worker).run();
  Statement replace(state_->database, ("REPLACE " + insert_into(kPeakTable)).c_str());
  bind_row(kPeakTable, replace, peak);
  replace.run();
  Statement insert(state_->database,
                   "INSERT INTO peak_member (worker, endpoint, sequence, live_bytes) VALUES (?, ?, ?, ?)");
  for (const PeakMemberRow& member : peak.members) {
    insert.bind(peak.worker).bind(member.endpoint).bind(member.sequence).bind(member.live_bytes).run();
  }
}

void Store::add_timeline(const TimelineRow& point) {
  Statement& insert = *state_->add_timeline;
  insert.reset();
  bind_row(kTimelineTable, insert, point);
  insert.run();
}

void Store::add_note(const NoteRow& note) {
  Statement(state_->database, "INSERT INTO process_note (executable, python, reason) VALUES (?, ?, ?)")
      .bind(std::string_view(note.executable))
      .bind(std::string_view(note.python))
      .bind(std::string_view(note.reason))
      .run();
}

void Store::set_native(bool native) { state_->set_meta("native", std::int64_t{native}); }
void Store::set_memory_limit(std::int64_t bytes, const std::string& source) {
  state_->set_meta("memory_limit_bytes", bytes);
  state_->set_meta("memory_limit_source", source);
}
void Store::set_dropped_requests(std::int64_t count) { state_->set_meta("dropped_requests", count); }
void Store::set_workers_without_ledger(std::int64_t count) { state_->set_meta("workers_without_ledger", count); }
void Store::set_run_folder_lost() { state_->set_meta("run_folder_lost", std::int64_t{1}); }

std::vector<WorkerRow> Store::unfinished_workers() {
  std::vector<WorkerRow> workers;
  Statement select(state_->database, "SELECT id, pid, started_us FROM worker WHERE ending = 'running' ORDER BY id");
  while (select.step()) {
    WorkerRow worker;
    worker.id = select.integer(0);
    worker.pid = select.integer(1);
    worker.started_us = select.integer(2);
    workers.push_back(worker);
  }
  return workers;
}

std::vector<std::int64_t> Store::last_sequences(std::int64_t worker, std::int64_t limit) {
  std::vector<std::int64_t> sequences;
  Statement select(state_->database, "SELECT sequence FROM request WHERE worker = ? ORDER BY id DESC LIMIT ?");
  select.bind(worker).bind(limit);
  while (select.step()) sequences.push_back(select.integer(0));
  return sequences;
}

bool Store::close(std::int64_t ended_unix_ns, bool complete) noexcept {
  roll_back();
  bool plain = false;
  try {
    begin();
    state_->set_meta("ended_unix_ns", ended_unix_ns);
    state_->set_meta("complete", std::int64_t{complete});
    commit();
  } catch (...) {
    roll_back();
  }
  try {
    state_->add_request.reset();
    state_->add_timeline.reset();
    state_->add_owner_total.reset();
    state_->update_worker.reset();
    state_->add_pool_event.reset();
    state_->put_connection.reset();
    plain = state_->database.query_text("PRAGMA journal_mode = DELETE") == "delete";
  } catch (...) {  // a reader holds it or the disk is full: it stays a readable WAL database
  }
  state_.reset();
  return plain;
}

}  // namespace heapledger::recording
