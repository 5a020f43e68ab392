#include "cli/messages.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/verb.h"
#include "report/printable.h"

namespace heapledger::cli {
namespace {

// False: could not be written, errno says why.
bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// Writes to a pipe that nobody reads end in EPIPE, not in a signal, for as long as this lives.
class QuietPipe {
 public:
  QuietPipe() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &before_);
  }
  ~QuietPipe() { ::sigaction(SIGPIPE, &before_, nullptr); }
  QuietPipe(const QuietPipe&) = delete;
  QuietPipe& operator=(const QuietPipe&) = delete;

 private:
  struct sigaction before_ {};
};

}  // namespace

std::string one_line(std::string_view text) { return report::printable(text); }

void write_stderr(std::string_view text) {
  const QuietPipe quiet;
  write_all(STDERR_FILENO, text);
}

void say(std::string_view line) { write_stderr(one_line(line) + "\n"); }

void say_error(std::string_view message, std::string_view hint) {
  std::string text = "error: " + one_line(message) + "\n";
  if (!hint.empty()) text += "hint: " + one_line(hint) + "\n";
  write_stderr(text);
}

void write_stdout(std::string_view text) {
  const QuietPipe quiet;
  if (write_all(STDOUT_FILENO, text) || errno == EPIPE) return;
  throw CommandError(std::string("cannot write the output: ") + std::strerror(errno));
}

}  // namespace heapledger::cli
