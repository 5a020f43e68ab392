#include "cli/surroundings.h"

#include <sys/resource.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "recording/recording.h"
#include "recording/run_folder.h"

namespace heapledger::cli {
namespace {

// cgroup v1 says "no limit" with a number near the largest page-aligned one.
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 60;

std::optional<std::string> first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  return std::getline(file, line) ? std::optional(line) : std::nullopt;
}

std::optional<std::uint64_t> number_in(const std::string& path) {
  const std::optional<std::string> line = first_line(path);
  std::uint64_t value = 0;
  if (!line) return std::nullopt;
  const auto [end, error] = std::from_chars(line->data(), line->data() + line->size(), value);
  return error == std::errc() && end != line->data() ? std::optional(value) : std::nullopt;
}

// The smallest limit from the group at `path` up to the root: each of them can kill.
std::optional<std::uint64_t> smallest_limit(const std::string& root, std::string path, const char* file) {
  std::optional<std::uint64_t> smallest;
  for (;;) {
    const std::optional<std::uint64_t> limit = number_in(root + path + "/" + file);
    if (limit && *limit < kNoLimit) smallest = std::min(*limit, smallest.value_or(*limit));
    if (path.empty()) return smallest;
    path.erase(std::min(path.rfind('/'), path.size()));
  }
}

void find_container(Surroundings& around) {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    if (controllers == ",,") {
      if (around.cgroup.empty()) around.cgroup = "v2";
      const auto limit = smallest_limit("/sys/fs/cgroup", path, "memory.max");
      if (limit) around.container_bytes = std::min(*limit, around.container_bytes.value_or(*limit));
    } else if (controllers.find(",memory,") != std::string::npos) {
      around.cgroup = "v1";
      const auto limit = smallest_limit("/sys/fs/cgroup/memory", path, "memory.limit_in_bytes");
      if (limit) around.container_bytes = std::min(*limit, around.container_bytes.value_or(*limit));
    }
  }
}

}  // namespace

Surroundings look_around(const std::string& run_dir) {
  Surroundings around;
  try {
    around.run_folder = recording::run_base(run_dir);
    struct statvfs info {};
    if (::statvfs(around.run_folder.c_str(), &info) == 0) around.run_folder_free_bytes = info.f_bavail * info.f_frsize;
  } catch (const recording::RecordingError& error) {
    around.run_folder_problem = error.what();
  }
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    around.address_space_bytes = limit.rlim_cur;
  if (const auto overcommit = number_in("/proc/sys/vm/overcommit_memory")) {
    around.overcommit = static_cast<int>(std::min<std::uint64_t>(*overcommit, 9));
  }
  find_container(around);
  return around;
}

}  // namespace heapledger::cli
