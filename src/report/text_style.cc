#include "report/text_style.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string>
#include <string_view>

namespace heapledger::report {
namespace {

constexpr std::size_t kUsualColumns = 80;

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

// The first of these that is set counts. None set says nothing of the terminal, as in most containers.
bool wants_ascii() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    std::string locale(environment(name));
    std::transform(locale.begin(), locale.end(), locale.begin(), [](unsigned char c) { return std::tolower(c); });
    if (!locale.empty()) {
      return locale.find("utf-8") == std::string::npos && locale.find("utf8") == std::string::npos;
    }
  }
  return false;
}

}  // namespace

TextStyle plain_style() {
  TextStyle style;
  style.ascii = wants_ascii();
  return style;
}

TextStyle style_of(int descriptor) {
  TextStyle style = plain_style();
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
