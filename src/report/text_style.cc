#include "report/text_style.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace heapledger::report {
namespace {

constexpr std::size_t kUsualColumns = 80;

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

TextStyle style_of(int descriptor) {
  TextStyle style;
  if (isatty(descriptor) == 0) {
    return style;
  }
  winsize size{};
  const bool known = ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  style.width = known ? size.ws_col : kUsualColumns;
  const std::string_view terminal = environment("TERM");
  style.colour = environment("NO_COLOR").empty() && !terminal.empty() && terminal != "dumb";
  return style;
}

}  // namespace heapledger::report
