// Opening a recording: what is refused, and why in one line. The rows are in recording_rows.cc.
#include "recording/recording.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "recording/older_schema.h"
#include "recording/recording_state.h"
#include "recording/schema_sql.h"

namespace heapledger::recording {
namespace {

constexpr std::int64_t kApplicationId = 0x484C4752;
constexpr std::int64_t kSchemaVersion = 1;
constexpr std::size_t kDatabaseHeaderBytes = 100;
constexpr char kDatabaseMagic[] = "SQLite format 3";  // with its NUL: 16 bytes

std::uint64_t big_endian(const unsigned char* bytes, int count) {
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8U | bytes[i];
  return value;
}

[[noreturn]] void not_ours(const std::string& path) { throw RecordingError(path + " is not a heapledger recording"); }

// A file that ends before the last page its header promises. Only believed when no write-ahead log lies beside it.
void check_length(const std::string& path, const unsigned char* header, std::uint64_t file_bytes) {
  const std::uint64_t stored = big_endian(header + 16, 2);
  const std::uint64_t page_bytes = stored == 1 ? 65536 : stored;
  const std::uint64_t pages = big_endian(header + 28, 4);
  const bool pages_valid = big_endian(header + 24, 4) == big_endian(header + 92, 4);
  if (pages_valid && pages * page_bytes > file_bytes) throw RecordingError(path + " is cut short: the end is missing");
}

bool has_log(const std::string& path) {
  struct stat info {};
  return ::stat((path + "-wal").c_str(), &info) == 0 && info.st_size > 0;
}

void check_file(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      throw RecordingError("no recording at " + path, "record one with: heapledger run -- COMMAND");
    }
    throw RecordingError("cannot read " + path + ": " + std::strerror(errno));
  }
  if (S_ISDIR(info.st_mode)) throw RecordingError(path + " is a folder, not a recording");
  if (!S_ISREG(info.st_mode)) throw RecordingError(path + " is not a regular file");
  const std::string header = first_bytes(path, kDatabaseHeaderBytes);
  if (has_log(path)) return;
  if (header.empty()) throw RecordingError(path + " is empty (0 bytes)");
  const std::size_t magic_bytes = std::min(header.size(), sizeof kDatabaseMagic);
  if (header.compare(0, magic_bytes, kDatabaseMagic, magic_bytes) != 0) not_ours(path);
  if (header.size() < kDatabaseHeaderBytes) throw RecordingError(path + " is cut short: the end is missing");
  check_length(path, reinterpret_cast<const unsigned char*>(header.data()), static_cast<std::uint64_t>(info.st_size));
}

std::unique_ptr<Database> open_database(const std::string& path) {
  try {
    auto database = std::make_unique<Database>(path, Database::Access::kRead);
    database->execute("PRAGMA cell_size_check = ON; BEGIN");
    database->query_integer("PRAGMA application_id");
    database->query_integer("SELECT count(*) FROM sqlite_schema");  // takes the snapshot
    return database;
  } catch (const RecordingError&) {
    // A finished recording in a read-only folder cannot get the files that SQLite wants beside it, and needs none.
    if (has_log(path) || ::access(path.c_str(), R_OK) != 0) throw;
    auto database = std::make_unique<Database>(path, Database::Access::kReadImmutable);
    database->execute("PRAGMA cell_size_check = ON; BEGIN");
    database->query_integer("SELECT count(*) FROM sqlite_schema");
    return database;
  }
}

void check_identity(Database& database, const std::string& path) {
  if (database.query_integer("PRAGMA application_id") != kApplicationId) not_ours(path);
  const std::int64_t version = database.query_integer("PRAGMA user_version");
  if (version > kSchemaVersion) {
    throw RecordingError(path + " was written by a newer heapledger (schema " + std::to_string(version) +
                             ", this one reads up to " + std::to_string(kSchemaVersion) + ")",
                         "install a newer heapledger to read it");
  }
  Database reference("reference", Database::Access::kMemory);
  reference.execute(kSchemaSql);
  database.execute("PRAGMA temp_store = MEMORY");
  if (version < 1 || !complete_schema(database, reference)) {
    throw RecordingError(path + " is damaged: its tables are not those of a recording");
  }
  // Of a large file only what is read is checked (types, references, order of ids): walking it all first takes as long.
  constexpr std::int64_t kCheckedBytes = std::int64_t{256} << 20;
  if (database.query_integer("PRAGMA page_count") * database.query_integer("PRAGMA page_size") > kCheckedBytes) return;
  const std::string verdict = database.query_text("PRAGMA quick_check(1)");
  if (verdict != "ok") throw RecordingError(path + " is damaged: " + verdict.substr(0, verdict.find('\n')));
}

}  // namespace

Recording::Recording(const std::filesystem::path& path) : state_(std::make_unique<State>()) {
  state_->path = path;
  check_file(path.string());
  state_->database = open_database(path.string());
  check_identity(*state_->database, path.string());
  state_->load_references();
}

Recording::~Recording() = default;
Recording::Recording(Recording&&) noexcept = default;
Recording& Recording::operator=(Recording&&) noexcept = default;

const std::filesystem::path& Recording::path() const noexcept { return state_->path; }

}  // namespace heapledger::recording
