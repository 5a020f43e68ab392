#include "cli/capture.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "cli/command.h"

namespace heapledger::cli {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;

struct Stream {
  int fd;
  std::string* text;
};

// False: the other side has closed.
bool read_some(const Stream& stream) {
  std::array<char, 4096> buffer{};
  const ssize_t count = ::read(stream.fd, buffer.data(), buffer.size());
  if (count < 0) return errno == EINTR || errno == EAGAIN;
  const std::size_t room = kMostBytes - std::min(kMostBytes, stream.text->size());
  stream.text->append(buffer.data(), std::min(room, static_cast<std::size_t>(count)));
  return count > 0;
}

// True: both streams ended before the deadline.
bool read_streams(std::array<Stream, 2> streams, std::chrono::steady_clock::time_point deadline) {
  while (streams[0].fd >= 0 || streams[1].fd >= 0) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    std::array<pollfd, 2> watched{pollfd{streams[0].fd, POLLIN, 0}, pollfd{streams[1].fd, POLLIN, 0}};
    if (::poll(watched.data(), watched.size(), static_cast<int>(left.count())) < 0 && errno != EINTR) return false;
    for (std::size_t i = 0; i < streams.size(); ++i) {
      if (watched[i].revents != 0 && !read_some(streams[i])) streams[i].fd = -1;
    }
  }
  return true;
}

}  // namespace

Captured capture(const std::vector<std::string>& command, std::chrono::milliseconds limit) {
  Captured captured;
  captured.status = kExitNotFound;
  const auto deadline = std::chrono::steady_clock::now() + limit;
  int out[2];
  int err[2];
  if (::pipe2(out, O_CLOEXEC) != 0) return captured;
  if (::pipe2(err, O_CLOEXEC) != 0) {
    ::close(out[0]);
    ::close(out[1]);
    return captured;
  }
  const pid_t pid = ::fork();
  if (pid == 0) {
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(err[1], STDERR_FILENO);
    become(command, {});
    ::_exit(kExitNotFound);
  }
  ::close(out[1]);
  ::close(err[1]);
  if (pid > 0) {
    captured.timed_out = !read_streams({Stream{out[0], &captured.output}, Stream{err[0], &captured.errors}}, deadline);
    if (captured.timed_out) ::kill(pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    captured.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  ::close(out[0]);
  ::close(err[0]);
  return captured;
}

}  // namespace heapledger::cli
