#include "recording/memory_limit.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string_view>

namespace heapledger::recording {
namespace {

// cgroup v1 writes "no limit" as a number near 2^63.
constexpr std::int64_t kUnlimited = std::int64_t{1} << 60;

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return file ? text.str() : std::string();
}

std::optional<std::int64_t> number_in(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && number > 0 && number < kUnlimited ? std::optional(number) : std::nullopt;
}

bool is_folder(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// The least limit on the way from `path` up to the mount.
std::optional<std::int64_t> least_limit(const std::string& mount, std::string path, const char* file) {
  if (!is_folder(mount + path)) path = "/";
  std::optional<std::int64_t> least;
  while (true) {
    const auto limit = number_in(read_text(mount + path + "/" + file));
    if (limit) least = std::min(least.value_or(*limit), *limit);
    const std::size_t slash = path.rfind('/');
    if (path.size() <= 1 || slash == std::string::npos) return least;
    path.resize(std::max<std::size_t>(slash, 1));
  }
}

struct Cgroups {
  std::optional<std::string> unified;
  std::optional<std::string> memory;
};

// Lines of /proc/PID/cgroup: "0::/path" is v2, "4:memory:/path" is v1.
Cgroups cgroups_of(const std::string& text) {
  Cgroups found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    if (controllers == ",,") found.unified = line.substr(second + 1);
    if (controllers.find(",memory,") != std::string::npos) found.memory = line.substr(second + 1);
  }
  return found;
}

std::optional<std::int64_t> host_bytes(const std::string& root) {
  std::istringstream words(read_text(root + "/proc/meminfo"));
  for (std::string word; words >> word;) {
    std::int64_t kib = 0;
    if (word == "MemTotal:" && words >> kib && kib > 0 && kib < kUnlimited / 1024) return kib * 1024;
  }
  return std::nullopt;
}

}  // namespace

std::optional<MemoryLimit> memory_limit_of(std::uint64_t pid, const std::string& root) {
  const std::string sys = root + "/sys/fs/cgroup";
  std::string text = read_text(root + "/proc/" + std::to_string(pid) + "/cgroup");
  if (text.empty()) text = read_text(root + "/proc/self/cgroup");
  const Cgroups groups = cgroups_of(text);
  const std::optional<std::int64_t> host = host_bytes(root);
  std::optional<MemoryLimit> least;
  if (host) least = MemoryLimit{*host, "host"};
  const auto narrow = [&least](const std::optional<std::int64_t>& bytes, const char* source) {
    if (bytes && (!least || *bytes < least->bytes)) least = MemoryLimit{*bytes, source};
  };
  if (groups.memory) narrow(least_limit(sys + "/memory", *groups.memory, "memory.limit_in_bytes"), "cgroup v1");
  if (groups.unified) narrow(least_limit(sys, *groups.unified, "memory.max"), "cgroup v2");
  return least;
}

}  // namespace heapledger::recording
