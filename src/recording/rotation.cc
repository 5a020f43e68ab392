#include "recording/rotation.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/clock.h"
#include "recording/recording.h"
#include "recording/sqlite.h"

namespace heapledger::recording {
namespace {

constexpr std::array kSidecars{"-wal", "-shm", "-journal"};
constexpr std::int64_t kApplicationId = 0x484C4752;  // "HLGR"

bool exists(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

void move(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    throw RecordingError("cannot rename " + from + " to " + to + ": " + std::strerror(errno));
  }
}

void move_with_sidecars(const std::string& from, const std::string& to) {
  for (const char* suffix : kSidecars) ::unlink((to + suffix).c_str());
  move(from, to);
  for (const char* suffix : kSidecars) {
    if (exists(from + suffix)) move(from + suffix, to + suffix);
  }
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

void check_folder(const std::string& path) {
  const std::string folder = folder_of(path);
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) {
    throw RecordingError("cannot create " + path + ": " + std::strerror(errno));
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    throw RecordingError("cannot create " + path + ": " + std::strerror(errno), "name a writable file with -o FILE");
  }
}

constexpr std::size_t kDatabaseHeaderBytes = 100;
constexpr std::size_t kPageBytes = 4096;

// Empty when it cannot be read or is no plain file.
std::string bytes_of_plain_file(const std::string& path, std::size_t count) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
  try {
    return first_bytes(path, count);
  } catch (const RecordingError&) {
    return {};
  }
}

bool is_database(const std::string& header) {
  return header.size() >= kDatabaseHeaderBytes && header.compare(0, 16, "SQLite format 3", 16) == 0;
}

bool is_recording(const std::string& header) { return is_database(header) && header.compare(68, 4, "HLGR") == 0; }

// A rollback journal of a database that was empty before: undone, nothing is left.
bool undoes_everything(const std::string& journal) {
  const std::string header = bytes_of_plain_file(journal, 28);
  if (header.empty()) return exists(journal);
  return header.size() == 28 && header.find_first_not_of('\0', 16) >= 20;
}

// The first moment of a recording that was made in place, not under another name: one page that holds no table, and
// beside it the journal that says what it was to become.
bool is_unborn(const std::string& path, const std::string& header) {
  constexpr char kLeafOfTables = 13;
  struct stat info {};
  if (!is_database(header) || ::lstat(path.c_str(), &info) != 0 || info.st_size != kPageBytes) return false;
  const std::string page = bytes_of_plain_file(path, kPageBytes);
  if (page.size() != kPageBytes || page[100] != kLeafOfTables || page[103] != 0 || page[104] != 0) return false;
  if (!exists(path + "-wal")) return undoes_everything(path + "-journal");
  try {
    Database database(path, Database::Access::kRead);
    return database.query_integer("SELECT count(*) FROM sqlite_schema") == 0 ||
           database.query_integer("PRAGMA application_id") == kApplicationId;
  } catch (const RecordingInUse&) {
    return true;
  } catch (const RecordingError&) {
    return false;
  }
}

bool is_ours(const std::string& path) {
  const std::string header = bytes_of_plain_file(path, kDatabaseHeaderBytes);
  return is_recording(header) || is_unborn(path, header);
}

// Only what is surely a recording, or nothing, is removed by --force.
bool may_be_replaced(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  return info.st_size == 0 || is_ours(path);
}

RecordingError not_a_recording(const std::string& path) {
  return RecordingError(path + " exists and is not a heapledger recording: not replaced", "give another name");
}

void pause_ms(long milliseconds) {
  const timespec pause{0, milliseconds * 1'000'000};
  ::nanosleep(&pause, nullptr);
}

// Closes a recording that a killed collector left. Throws RecordingInUse while somebody writes it: whoever has it open
// would remove our files of the same name when it closes.
void settle(const std::string& path) {
  constexpr int kAttempts = 3;
  if (!is_ours(path)) return;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    try {
      Database database(path, Database::Access::kWrite);
      database.execute("PRAGMA busy_timeout = 200");
      const bool closed = database.query_text("PRAGMA journal_mode = DELETE") == "delete";
      if (!closed) throw RecordingInUse("");
      database.execute("BEGIN IMMEDIATE; ROLLBACK");
      return;
    } catch (const RecordingInUse&) {
      throw RecordingInUse(path + " is being written by another run", "name another file with -o FILE");
    } catch (const RecordingError&) {  // damaged, and moved as it is; or its files went while they were opened
      pause_ms(20);
    }
  }
}

// PATH with `part` before its extension.
std::string with_part(const std::string& path, const std::string& part) {
  const std::size_t slash = path.rfind('/');
  const std::size_t dot = path.rfind('.');
  const bool extension = dot != std::string::npos && (slash == std::string::npos || dot > slash + 1);
  const std::size_t at = extension ? dot : path.size();
  return path.substr(0, at) + part + path.substr(at);
}

}  // namespace

std::string rotated_name(const std::string& path, int number) { return with_part(path, "." + std::to_string(number)); }

void await_writers(const std::string& path, std::int64_t milliseconds) {
  const std::uint64_t deadline = base::monotonic_ns() + static_cast<std::uint64_t>(milliseconds) * 1'000'000;
  for (;;) {
    try {
      settle(path);
      return;
    } catch (const RecordingInUse&) {
      if (base::monotonic_ns() >= deadline) return;
    }
    pause_ms(20);
  }
}

std::string name_beside_others(const std::string& path) {
  std::string name = path;
  for (int number = 2;; ++number) {
    try {
      settle(name);
      // A file of the user's that happens to have such a name is passed over.
      if (number == 2 || !exists(name) || may_be_replaced(name)) return name;
    } catch (const RecordingInUse&) {
      if (number > kMostBeside) throw;
    }
    name = with_part(path, "-" + std::to_string(number));
  }
}

void rotate_recordings(const std::string& path, bool only_recordings) {
  check_folder(path);
  if (!exists(path)) return;
  if (only_recordings && !may_be_replaced(path)) throw not_a_recording(path);
  settle(path);
  int free = 1;
  while (free < kKeptRecordings && exists(rotated_name(path, free))) ++free;
  for (int number = free; number > 1; --number)
    move_with_sidecars(rotated_name(path, number - 1), rotated_name(path, number));
  move_with_sidecars(path, rotated_name(path, 1));
}

void claim_output(const std::string& path, bool force) {
  check_folder(path);
  if (!exists(path)) return;
  if (!force) throw RecordingError(path + " exists already", "give another name, or --force to replace it");
  if (!may_be_replaced(path)) throw not_a_recording(path);
  settle(path);
  for (const char* suffix : kSidecars) ::unlink((path + suffix).c_str());
  if (::unlink(path.c_str()) != 0) throw RecordingError("cannot replace " + path + ": " + std::strerror(errno));
}

FolderClaim::FolderClaim(const std::string& path)
    : folder_(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  constexpr int kAttempts = 500;
  for (int attempt = 0; attempt < kAttempts && folder_ >= 0; ++attempt) {
    if (::flock(folder_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
    pause_ms(20);
  }
}

FolderClaim::~FolderClaim() {
  if (folder_ >= 0) ::close(folder_);
}

}  // namespace heapledger::recording
