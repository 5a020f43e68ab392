// One process watched from outside: whether it runs, and how it ended as far as the system tells us. It tells its
// parent; anybody while it is a zombie that nobody has waited for; and, from Linux 6.15 on, whoever holds its pidfd.
// One thread. Holds a file descriptor. Not to be carried across fork.
#pragma once

#include <cstdint>
#include <optional>

namespace heapledger::recording {

class ProcessWatch {
 public:
  // `start_ticks` as in process_table.h.
  ProcessWatch(std::uint64_t pid, std::uint64_t start_ticks);
  ~ProcessWatch();
  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;

  std::uint64_t pid() const noexcept { return pid_; }
  bool is_same_process(const ProcessWatch& other) const noexcept;
  bool runs() const;
  // What wait() said to its parent.
  void note_wait_status(int status) noexcept { noted_ = status; }
  // Once it does not run: as wait() would say it; nullopt: nobody can tell.
  std::optional<int> wait_status() const;

 private:
  std::uint64_t pid_;
  std::uint64_t start_ticks_;
  int handle_ = -1;
  std::optional<int> noted_;
};

// How a process that did not close its books ended.
struct Departure {
  std::optional<int> signal;  // nullopt: none, or unknown
  bool meant = false;         // ended by itself, or by a signal that asks a service to stop
};
Departure departure_of(std::optional<int> wait_status) noexcept;

}  // namespace heapledger::recording
