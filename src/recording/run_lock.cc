#include "recording/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace heapledger::recording {

RunLock::RunLock(RunLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

RunLock& RunLock::operator=(RunLock&& other) noexcept {
  if (this != &other) {
    release();
    file_ = std::exchange(other.file_, -1);
  }
  return *this;
}

RunLock::Found RunLock::take(const std::string& run_info_path) {
  release();
  const int file = ::open(run_info_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return Found::kNoRun;
  struct stat info {};
  const bool locked = ::flock(file, LOCK_EX | LOCK_NB) == 0;
  // Removed since it was opened: whoever had the lock has dealt with the run.
  if (locked && ::fstat(file, &info) == 0 && info.st_nlink != 0) {
    file_ = file;
    return Found::kTaken;
  }
  ::close(file);
  return Found::kHeldByAnother;
}

void RunLock::hold(int file) noexcept {
  release();
  file_ = file;
  static_cast<void>(::flock(file, LOCK_EX | LOCK_NB));
}

void RunLock::release() noexcept {
  if (file_ >= 0) ::close(std::exchange(file_, -1));
}

}  // namespace heapledger::recording
