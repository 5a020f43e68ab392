#include "recording/sqlite.h"

#include <sqlite3.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "recording/recording.h"
#include "recording/saturating.h"
#include "recording/text.h"

namespace heapledger::recording {
namespace {

constexpr int kBusyMilliseconds = 2000;

int open_flags(Database::Access access) {
  switch (access) {
    case Database::Access::kWrite:
      return SQLITE_OPEN_READWRITE;
    case Database::Access::kRead:
      return SQLITE_OPEN_READONLY;
    case Database::Access::kReadImmutable:
      return SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
    case Database::Access::kMemory:
      return SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY;
  }
  return SQLITE_OPEN_READONLY;
}

std::string immutable_uri(const std::string& path) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
                       byte == '/' || byte == '.' || byte == '-' || byte == '_';
    if (plain) {
      uri += c;
    } else {
      uri += '%';
      uri += kHex[byte >> 4U];
      uri += kHex[byte & 15U];
    }
  }
  return uri + "?immutable=1";
}

// The file may come from anywhere: no views, triggers, or functions reached through its schema.
void distrust(sqlite3* handle) {
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, 64 << 20);
}

bool file_sizes_are_limited() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

// Relative names like "file:x" and ":memory:" must stay names of files.
std::string name_for_sqlite(const std::string& path) { return path.starts_with('/') ? path : "./" + path; }

}  // namespace

std::string first_bytes(const std::string& path, std::size_t count) {
  sqlite3* handle = nullptr;
  const int opened = sqlite3_open_v2(name_for_sqlite(path).c_str(), &handle,
                                     SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  sqlite3_file* file = nullptr;
  sqlite3_int64 size = 0;
  int result = opened;
  if (result == SQLITE_OK) result = sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (result == SQLITE_OK) result = file->pMethods->xFileSize(file, &size);
  std::string bytes(std::min(count, static_cast<std::size_t>(std::max<sqlite3_int64>(size, 0))), '\0');
  if (result == SQLITE_OK && !bytes.empty()) {
    result = file->pMethods->xRead(file, bytes.data(), static_cast<int>(bytes.size()), 0);
  }
  const int error = handle != nullptr ? sqlite3_system_errno(handle) : ENOMEM;
  sqlite3_close(handle);
  if (result == SQLITE_OK) return bytes;
  throw RecordingError("cannot read " + path + ": " + (error != 0 ? std::strerror(error) : sqlite3_errstr(result)));
}

Database::Database(const std::string& path, Access access, const std::string& called)
    : path_(called.empty() ? path : called) {
  const bool immutable = access == Access::kReadImmutable;
  const std::string name = access == Access::kMemory ? path : name_for_sqlite(path);
  const std::string target = immutable ? immutable_uri(name) : name;
  const int result = sqlite3_open_v2(target.c_str(), &handle_,
                                     open_flags(access) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  if (result != SQLITE_OK) {
    const std::string message = handle_ != nullptr ? sqlite3_errmsg(handle_) : "out of memory";
    sqlite3_close(handle_);
    handle_ = nullptr;
    throw RecordingError("cannot open " + path_ + ": " + message);
  }
  distrust(handle_);
  sqlite3_busy_timeout(handle_, kBusyMilliseconds);
}

Database::~Database() { sqlite3_close(handle_); }

void Database::fail() const {
  const int code = sqlite3_extended_errcode(handle_);
  // SQLite quotes the schema's text in some messages, with its line breaks.
  std::string message = sqlite3_errmsg(handle_);
  message.erase(std::min(message.find('\n'), message.size()));
  switch (code & 0xFF) {
    case SQLITE_CORRUPT:
      throw RecordingError(path_ + " is damaged: " + message);
    case SQLITE_NOTADB:
      throw RecordingError(path_ + " is not a heapledger recording");
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
      throw RecordingError(path_ + " is damaged or not a heapledger recording: " + message);
    case SQLITE_FULL:
      throw RecordingError("cannot write " + path_ + ": no space left");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw RecordingInUse(path_ + " is in use by another process");
    case SQLITE_IOERR:
      throw RecordingError("cannot use " + path_ + ": " + message,
                           code == SQLITE_IOERR_WRITE && file_sizes_are_limited()
                               ? "the limit on file sizes (ulimit -f) may be too small for it"
                               : "");
    default:
      throw RecordingError("cannot use " + path_ + ": " + message);
  }
}

void Database::execute(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail();
}

std::int64_t Database::query_integer(const char* sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.integer(0) : 0;
}

std::string Database::query_text(const char* sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.text(0) : std::string();
}

std::int64_t Database::last_row_id() const noexcept { return sqlite3_last_insert_rowid(handle_); }

bool Database::in_transaction() const noexcept { return sqlite3_get_autocommit(handle_) == 0; }

Statement::Statement(Database& database, const char* sql) : database_(database) {
  check(sqlite3_prepare_v3(database.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr));
}

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::check(int result) {
  if (result != SQLITE_OK && result != SQLITE_ROW && result != SQLITE_DONE) database_.fail();
}

Statement& Statement::bind(std::int64_t value) {
  check(sqlite3_bind_int64(statement_, next_++, value));
  return *this;
}

Statement& Statement::bind(double value) {
  check(sqlite3_bind_double(statement_, next_++, std::isfinite(value) ? value : 0.0));
  return *this;
}

Statement& Statement::bind(std::string_view value) {
  check(sqlite3_bind_text64(statement_, next_++, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_null() {
  check(sqlite3_bind_null(statement_, next_++));
  return *this;
}

bool Statement::step() {
  const int result = sqlite3_step(statement_);
  check(result);
  return result == SQLITE_ROW;
}

void Statement::run() {
  while (step()) {
  }
  reset();
}

void Statement::reset() {
  sqlite3_reset(statement_);
  next_ = 1;
}

void Statement::damaged(int column) {
  throw RecordingError(database_.path() + " is damaged: column " + sqlite3_column_name(statement_, column) +
                       " holds another kind of value");
}

void Statement::impossible(int column) {
  throw RecordingError(database_.path() + " is damaged: column " + sqlite3_column_name(statement_, column) +
                       " holds a figure that cannot be");
}

bool Statement::is_null(int column) { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

std::int64_t Statement::integer(int column) {
  if (sqlite3_column_type(statement_, column) != SQLITE_INTEGER) damaged(column);
  return sqlite3_column_int64(statement_, column);
}

std::int64_t Statement::size(int column) {
  const std::int64_t value = integer(column);
  if (value < 0 || value > kLargestFigure) impossible(column);
  return value;
}

std::int64_t Statement::balance(int column) {
  const std::int64_t value = integer(column);
  if (value < -kLargestFigure || value > kLargestFigure) impossible(column);
  return value;
}

double Statement::real(int column) {
  const int type = sqlite3_column_type(statement_, column);
  if (type != SQLITE_FLOAT && type != SQLITE_INTEGER) damaged(column);
  const double value = sqlite3_column_double(statement_, column);
  if (!std::isfinite(value)) damaged(column);
  return value;
}

std::string Statement::text(int column) {
  if (sqlite3_column_type(statement_, column) != SQLITE_TEXT) damaged(column);
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  const int length = sqlite3_column_bytes(statement_, column);
  if (bytes == nullptr || length < 0) damaged(column);
  return clean_text({bytes, static_cast<std::size_t>(length)});
}

std::optional<std::int64_t> Statement::optional_integer(int column) {
  return is_null(column) ? std::nullopt : std::optional(integer(column));
}

std::optional<std::int64_t> Statement::optional_size(int column) {
  return is_null(column) ? std::nullopt : std::optional(size(column));
}

std::optional<std::int64_t> Statement::optional_balance(int column) {
  return is_null(column) ? std::nullopt : std::optional(balance(column));
}

std::optional<std::string> Statement::optional_text(int column) {
  return is_null(column) ? std::nullopt : std::optional(text(column));
}

}  // namespace heapledger::recording
