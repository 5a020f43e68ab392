#include "recording/rotation.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "recording/recording.h"
#include "recording/sqlite.h"

namespace heapledger::recording {
namespace {

constexpr std::array kSidecars{"-wal", "-shm", "-journal"};

bool exists(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

void move(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    throw RecordingError("cannot rename " + from + " to " + to + ": " + std::strerror(errno));
  }
}

// A write-ahead log beside it: somebody writes it, or was killed while doing so. Closing it properly tells which.
void settle(const std::string& path) {
  if (!exists(path + "-wal")) return;
  try {
    Database database(path, Database::Access::kWrite);
    database.execute("PRAGMA busy_timeout = 200");
    if (database.query_text("PRAGMA journal_mode = DELETE") == "delete") return;
  } catch (const RecordingError& error) {
    if (std::string(error.what()).find("in use") == std::string::npos) return;  // damaged: moved as it is
  }
  throw RecordingInUse(path + " is being written by another run", "name another file with -o FILE");
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

// Only what is surely a recording, or nothing, is removed by --force.
bool may_be_replaced(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  if (info.st_size == 0) return true;
  std::array<char, 72> header{};
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return false;
  const ssize_t count = ::pread(fd, header.data(), header.size(), 0);
  ::close(fd);
  return count == static_cast<ssize_t>(header.size()) && std::memcmp(header.data(), "SQLite format 3", 16) == 0 &&
         std::memcmp(header.data() + 68, "HLGR", 4) == 0;
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

std::string name_beside_others(const std::string& path) {
  std::string name = path;
  for (int number = 2;; ++number) {
    try {
      if (exists(name)) settle(name);
      return name;
    } catch (const RecordingInUse&) {
      if (number > kMostBeside) throw;
    }
    name = with_part(path, "-" + std::to_string(number));
  }
}

void rotate_recordings(const std::string& path) {
  check_folder(path);
  if (!exists(path)) return;
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
  if (!may_be_replaced(path)) {
    throw RecordingError(path + " exists and is not a heapledger recording: not replaced", "give another name");
  }
  settle(path);
  for (const char* suffix : kSidecars) ::unlink((path + suffix).c_str());
  if (::unlink(path.c_str()) != 0) throw RecordingError("cannot replace " + path + ": " + std::strerror(errno));
}

FolderClaim::FolderClaim(const std::string& path)
    : folder_(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  constexpr int kAttempts = 100;
  constexpr timespec kPause{0, 20'000'000};
  for (int attempt = 0; attempt < kAttempts && folder_ >= 0; ++attempt) {
    if (::flock(folder_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
    ::nanosleep(&kPause, nullptr);
  }
}

FolderClaim::~FolderClaim() {
  if (folder_ >= 0) ::close(folder_);
}

}  // namespace heapledger::recording
