// Whose run a folder is, told by the kernel: whoever collects a run holds the lock on its run.json for as long as it
// lives, and so do the children that it forked. Pids alone cannot tell where containers share a folder.
// Not thread-safe. A copy that a forked child has must not be destroyed there before the child ends.
#pragma once

#include <string>

namespace heapledger::recording {

class RunLock {
 public:
  RunLock() = default;  // holds nothing
  ~RunLock() { release(); }
  RunLock(RunLock&& other) noexcept;
  RunLock& operator=(RunLock&& other) noexcept;
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

  enum class Found { kTaken, kHeldByAnother, kNoRun };
  // The lock of a run that was left, if nobody has it. Does not wait.
  Found take(const std::string& run_info_path);
  // Owns `file` from now on and locks it where its file system can.
  void hold(int file) noexcept;
  void release() noexcept;

 private:
  int file_ = -1;
};

}  // namespace heapledger::recording
