#include "cli/package.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

namespace heapledger::cli {
namespace {

namespace fs = std::filesystem;

// python3.9 before python3.11 by number, not by letter; the newest first.
std::vector<fs::path> python_folders(const fs::path& lib) {
  std::vector<std::pair<long, fs::path>> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(lib, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("python3")) continue;
    const std::size_t dot = name.find('.');
    found.emplace_back(dot == std::string::npos ? 0 : std::strtol(name.c_str() + dot + 1, nullptr, 10), entry.path());
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<fs::path> folders;
  folders.reserve(found.size());
  for (auto& [version, path] : found) folders.push_back(std::move(path));
  return folders;
}

}  // namespace

std::string install_prefix() {
  std::error_code error;
  const fs::path executable = fs::read_symlink("/proc/self/exe", error);
  return error ? std::string() : executable.parent_path().parent_path().string();
}

std::string package_folder() {
  const fs::path prefix = install_prefix();
  if (prefix.empty()) return {};
  std::error_code error;
  for (const char* lib : {"lib", "lib64", "local/lib"}) {
    for (const fs::path& python : python_folders(prefix / lib)) {
      for (const char* packages : {"site-packages", "dist-packages"}) {
        const fs::path folder = python / packages / "heapledger";
        if (fs::is_directory(folder / "_autoload", error)) return folder.string();
      }
    }
  }
  return {};
}

std::string autoload_folder() {
  if (const char* named = std::getenv("HEAPLEDGER_AUTOLOAD"); named != nullptr && *named != '\0') return named;
  const std::string package = package_folder();
  return package.empty() ? package : package + "/_autoload";
}

std::string python_beside() {
  const std::string prefix = install_prefix();
  const std::string beside = prefix + "/bin/python3";
  return !prefix.empty() && ::access(beside.c_str(), X_OK) == 0 ? beside : "python3";
}

}  // namespace heapledger::cli
