#include "cli/messages.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/verb.h"

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

std::string one_line(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string line;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // C1 controls (U+0080 to U+009F) are C2 80 to C2 9F in UTF-8; some terminals obey them.
    const bool c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (byte >= 0x20 && byte != 0x7F && !c1) {
      line += text[i];
    } else {
      line += "\\x";
      line += kHex[byte >> 4U];
      line += kHex[byte & 15U];
    }
  }
  return line;
}

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
