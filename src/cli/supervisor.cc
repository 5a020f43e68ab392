#include "cli/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "cli/verb.h"

namespace heapledger::cli {
namespace {

constexpr long kPollNs = 100'000'000;
constexpr long kWaitPollNs = 20'000'000;
constexpr std::uint64_t kWorkersMayTakeNs = 2'000'000'000;

// Faults are our own. Stops and continues work by default actions: the terminal stops and continues the whole group.
constexpr int kNotOurs[] = {SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGSEGV, SIGBUS,
                            SIGFPE,  SIGILL,  SIGTRAP, SIGABRT, SIGSYS,  SIGPIPE, SIGXFSZ};

sigset_t handled_signals() {
  sigset_t set;
  sigfillset(&set);
  for (const int signal : kNotOurs) sigdelset(&set, signal);
  return set;
}

// While it lives the supervisor's signals wait to be read, neither a closed stderr nor a file size limit kills it, and
// its children can be waited for even where it was started with SIGCHLD ignored.
class SignalGuard {
 public:
  SignalGuard() : handled_(handled_signals()) {
    ::sigprocmask(SIG_BLOCK, &handled_, &mask_before_);
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &pipe_before_);
    ::sigaction(SIGXFSZ, &ignore, &size_before_);
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &standard, &child_before_);
  }
  ~SignalGuard() { restore(); }
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

  // Also called in the forked child: the command starts with what we were started with.
  void restore() const noexcept {
    ::sigaction(SIGPIPE, &pipe_before_, nullptr);
    ::sigaction(SIGXFSZ, &size_before_, nullptr);
    ::sigaction(SIGCHLD, &child_before_, nullptr);
    ::sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
  }

  // Waits for one signal, at most this long. 0: none came.
  int wait(long nanoseconds, siginfo_t& info) const noexcept {
    const timespec timeout{0, nanoseconds};
    const int signal = ::sigtimedwait(&handled_, &info, &timeout);
    return signal > 0 ? signal : 0;
  }

 private:
  sigset_t handled_;
  sigset_t mask_before_{};
  struct sigaction pipe_before_ {};
  struct sigaction size_before_ {};
  struct sigaction child_before_ {};
};

// A terminal's Ctrl-C comes from the kernel and reaches the whole foreground group: the command has it already.
bool sent_by_process(const siginfo_t& info) { return info.si_code <= 0; }

struct Started {
  pid_t pid = -1;
  int error = 0;
};

// The pipe closes at exec; before that it carries the errno of a failure.
Started start(const std::vector<std::string>& command, const Environment& environment, const SignalGuard& guard) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {-1, errno};
  const pid_t pid = ::fork();
  if (pid == 0) {
    guard.restore();
    const int error = become(command, environment);
    [[maybe_unused]] const ssize_t written = ::write(ends[1], &error, sizeof error);
    ::_exit(kExitNotFound);
  }
  int error = pid < 0 ? errno : 0;
  ::close(ends[1]);
  if (pid > 0) {
    ssize_t count = 0;
    do {
      count = ::read(ends[0], &error, sizeof error);
    } while (count < 0 && errno == EINTR);
    if (count != sizeof error) error = 0;
    if (error != 0) ::waitpid(pid, nullptr, 0);
  }
  ::close(ends[0]);
  return {pid, error};
}

// Reaps whatever ended; as PID 1 of a container that includes strangers. True: the command was among them, and `status`
// is what wait() said.
bool reap(pid_t command, int& status) {
  bool ended = false;
  int ended_status = 0;
  for (pid_t pid = ::waitpid(-1, &ended_status, WNOHANG); pid > 0; pid = ::waitpid(-1, &ended_status, WNOHANG)) {
    if (pid != command) continue;
    ended = true;
    status = ended_status;
  }
  return ended;
}

}  // namespace

int supervise(const std::vector<std::string>& command, RunSession& session) {
  const SignalGuard guard;
  const Started started = start(command, session.environment(), guard);
  if (started.error != 0) {
    session.abandon();
    throw_not_started(command, started.error);
  }
  int status = 0;
  while (!reap(started.pid, status)) {
    siginfo_t info{};
    const int signal = guard.wait(kPollNs, info);
    if (signal != 0 && signal != SIGCHLD) session.collector().expect_endings();
    if (signal != 0 && signal != SIGCHLD && sent_by_process(info)) ::kill(started.pid, signal);
    session.collector().drain_once();
  }
  session.collector().note_wait_status(static_cast<std::uint64_t>(started.pid), status);
  wait_for_workers(session.collector());
  session.close();
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void wait_for_workers(recording::Collector& collector) {
  const std::uint64_t deadline = base::monotonic_ns() + kWorkersMayTakeNs;
  collector.drain_once();
  while (collector.workers_run() && !collector.failed() && base::monotonic_ns() < deadline) {
    const timespec pause{0, kWaitPollNs};
    ::nanosleep(&pause, nullptr);
    collector.drain_once();
  }
}

}  // namespace heapledger::cli
