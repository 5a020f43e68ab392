#include "recording/process_watch.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recording/process_table.h"

namespace heapledger::recording {
namespace {

// linux/pidfd.h of Linux 6.15, which the headers here may not have.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroup;
  std::uint32_t ids[11];
  std::int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr std::uint64_t kExitIsKnown = 1U << 3U;
constexpr unsigned long kGetInfo = _IOWR(0xFF, 11, PidfdInfo);

std::optional<int> exit_code_of(int handle) {
  PidfdInfo info{};
  info.mask = kExitIsKnown;
  if (handle < 0 || ::ioctl(handle, kGetInfo, &info) != 0 || (info.mask & kExitIsKnown) == 0) return std::nullopt;
  return info.exit_code;
}

}  // namespace

ProcessWatch::ProcessWatch(std::uint64_t pid, std::uint64_t start_ticks) : pid_(pid), start_ticks_(start_ticks) {
  // Nobody watches its own end.
  if (!process_runs(pid, start_ticks) || pid == static_cast<std::uint64_t>(::getpid())) return;
  handle_ = static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0));
  // The process may have ended, and its number begun anew, between the two.
  if (handle_ >= 0 && !process_runs(pid, start_ticks)) {
    ::close(handle_);
    handle_ = -1;
  }
}

ProcessWatch::~ProcessWatch() {
  if (handle_ >= 0) ::close(handle_);
}

bool ProcessWatch::is_same_process(const ProcessWatch& other) const noexcept {
  return pid_ == other.pid_ && start_ticks_ == other.start_ticks_;
}

bool ProcessWatch::runs() const { return process_runs(pid_, start_ticks_); }

std::optional<int> ProcessWatch::wait_status() const {
  if (noted_) return noted_;
  // In this order: between the two a zombie may be waited for, and is then known to its pidfd.
  if (const std::optional<int> status = zombie_wait_status(pid_, start_ticks_)) return status;
  return exit_code_of(handle_);
}

Departure departure_of(std::optional<int> wait_status) noexcept {
  if (!wait_status) return {};
  if (!WIFSIGNALED(*wait_status)) return {std::nullopt, true};
  const int signal = WTERMSIG(*wait_status);
  const bool asks = signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;
  return {signal, asks};
}

}  // namespace heapledger::recording
