#include "recording/process_table.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdio>
#include <string_view>

namespace heapledger::recording {
namespace {

// stat and statm are far shorter; the command name in stat is at most 64 bytes.
using ProcText = std::array<char, 1024>;

std::string_view read_proc(std::uint64_t pid, const char* name, ProcText& buffer) {
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "/proc/%llu/%s", static_cast<unsigned long long>(pid), name);
  const int fd = ::open(path.data(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  const ssize_t count = ::read(fd, buffer.data(), buffer.size());
  ::close(fd);
  return count > 0 ? std::string_view(buffer.data(), static_cast<std::size_t>(count)) : std::string_view();
}

// Blank-separated field `index` from 0.
std::string_view field(std::string_view text, int index) {
  for (; index > 0; --index) {
    const std::size_t blank = text.find(' ');
    if (blank == std::string_view::npos) return {};
    text.remove_prefix(blank + 1);
  }
  return text.substr(0, text.find(' '));
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end != text.data() ? std::optional(value) : std::nullopt;
}

struct Status {
  char state = '?';
  std::uint64_t start_ticks = 0;
  int wait_status = 0;  // of a zombie, where we may know it
};

std::optional<Status> read_status(std::uint64_t pid) {
  ProcText buffer{};
  std::string_view text = read_proc(pid, "stat", buffer);
  // The command name is in parentheses and may hold blanks and parentheses of its own.
  const std::size_t name_end = text.rfind(") ");
  if (name_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_end + 2);
  const std::optional<std::uint64_t> ticks = number(field(text, 19));
  if (text.empty() || !ticks) return std::nullopt;
  return Status{text.front(), *ticks, static_cast<int>(number(field(text, 49)).value_or(0))};
}

}  // namespace

std::optional<std::uint64_t> process_start_ticks(std::uint64_t pid) {
  const std::optional<Status> status = read_status(pid);
  return status ? std::optional(status->start_ticks) : std::nullopt;
}

bool process_runs(std::uint64_t pid, std::uint64_t start_ticks) {
  if (pid == 0 || pid > INT_MAX) return false;
  if (const std::optional<Status> status = read_status(pid)) {
    const bool ended = status->state == 'Z' || status->state == 'X';
    return !ended && (start_ticks == 0 || status->start_ticks == start_ticks);
  }
  // No /proc entry to read: gone, or hidden from us (hidepid), which a signal can tell.
  return ::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM;
}

std::optional<int> zombie_wait_status(std::uint64_t pid, std::uint64_t start_ticks) {
  const std::optional<Status> status = pid == 0 || pid > INT_MAX ? std::nullopt : read_status(pid);
  if (!status || status->state != 'Z' || status->start_ticks != start_ticks) return std::nullopt;
  return status->wait_status == 0 ? std::nullopt : std::optional(status->wait_status);
}

std::optional<std::uint64_t> resident_bytes(std::uint64_t pid) {
  ProcText buffer{};
  const std::optional<std::uint64_t> pages = number(field(read_proc(pid, "statm", buffer), 1));
  if (!pages) return std::nullopt;
  return *pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::string pid_namespace() {
  std::array<char, 64> name{};
  const ssize_t count = ::readlink("/proc/self/ns/pid", name.data(), name.size());
  return count > 0 ? std::string(name.data(), static_cast<std::size_t>(count)) : std::string();
}

}  // namespace heapledger::recording
