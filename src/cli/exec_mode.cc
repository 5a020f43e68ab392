#include "cli/exec_mode.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <string>

#include "cli/command.h"
#include "cli/messages.h"
#include "cli/run_session.h"
#include "cli/supervisor.h"
#include "cli/verb.h"
#include "recording/process_table.h"
#include "recording/recording.h"

namespace heapledger::cli {
namespace {

constexpr int kPollMilliseconds = 100;
constexpr char kReady = 'R';    // followed by the environment to add, NAME=VALUE and NUL each
constexpr char kRefused = 'E';  // followed by message, NUL, hint

struct Pipe {
  int reading = -1;
  int writing = -1;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw CommandError(std::string("cannot create a pipe: ") + std::strerror(errno));
  return {ends[0], ends[1]};
}

void send(int fd, const std::string& text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t count = ::write(fd, text.data() + sent, text.size() - sent);
    if (count < 0 && errno != EINTR) return;
    if (count > 0) sent += static_cast<std::size_t>(count);
  }
}

std::string receive_all(int fd) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(count));
  }
}

// The side process must not end with the terminal or the service's group, nor hold the command's pipes open.
void leave_the_command_alone(bool quiet) {
  ::setsid();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ}) {
    ::signal(signal, SIG_IGN);
  }
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing < 0) return;
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(nothing, STDOUT_FILENO);
  if (quiet) ::dup2(nothing, STDERR_FILENO);
}

// True once the command's exec happened, false when it reported failure.
bool command_started(int fd) {
  char failure = 0;
  ssize_t count = 0;
  do {
    count = ::read(fd, &failure, 1);
  } while (count < 0 && errno == EINTR);
  return count == 0;
}

void collect(const RunFlags& flags, pid_t command, const Pipe& ready, const Pipe& outcome) {
  leave_the_command_alone(flags.quiet);
  const std::uint64_t pid = static_cast<std::uint64_t>(command);
  const std::uint64_t start_ticks = recording::process_start_ticks(pid).value_or(0);
  RunSession session(flags);
  std::string message(1, kReady);
  for (const auto& [name, value] : session.environment())
    message.append(name).append("=").append(value).push_back('\0');
  send(ready.writing, message);
  ::close(ready.writing);
  if (!command_started(outcome.reading)) {
    session.abandon();
    return;
  }
  while (recording::process_runs(pid, start_ticks)) {
    session.collector().drain_once();
    ::poll(nullptr, 0, kPollMilliseconds);
  }
  wait_for_workers(session.collector());
  session.close();
}

[[noreturn]] void side_process(const RunFlags& flags, pid_t command, const Pipe& ready, const Pipe& outcome) {
  ::close(ready.reading);
  ::close(outcome.writing);
  try {
    collect(flags, command, ready, outcome);
  } catch (const recording::RecordingError& error) {
    send(ready.writing, kRefused + std::string(error.what()) + '\0' + error.hint());
  } catch (const std::exception& error) {
    send(ready.writing, kRefused + std::string(error.what()) + '\0');
  }
  ::_exit(0);
}

Environment parse_ready(const std::string& message) {
  if (message.empty()) throw CommandError("the collector could not be started");
  if (message[0] == kRefused) {
    const std::size_t end = message.find('\0');
    throw CommandError(message.substr(1, end - 1), end == std::string::npos ? "" : message.substr(end + 1));
  }
  Environment environment;
  for (std::size_t begin = 1; begin < message.size();) {
    const std::size_t end = message.find('\0', begin);
    const std::string entry = message.substr(begin, end - begin);
    const std::size_t equals = entry.find('=');
    environment[entry.substr(0, equals)] = entry.substr(equals + 1);
    begin = end + 1;
  }
  return environment;
}

}  // namespace

void run_in_place(const RunFlags& flags) {
  const Pipe ready = make_pipe();
  const Pipe outcome = make_pipe();
  const pid_t self = ::getpid();
  // Forked twice: the service must not find a child that it does not know.
  const pid_t between = ::fork();
  if (between < 0) throw CommandError(std::string("cannot start the collector: ") + std::strerror(errno));
  if (between == 0) {
    if (::fork() == 0) side_process(flags, self, ready, outcome);
    ::_exit(0);
  }
  ::waitpid(between, nullptr, 0);
  ::close(ready.writing);
  ::close(outcome.reading);
  const Environment environment = parse_ready(receive_all(ready.reading));
  const int error = become(flags.command, environment);
  send(outcome.writing, "x");
  throw_not_started(flags.command, error);
}

}  // namespace heapledger::cli
