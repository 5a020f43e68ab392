#include "cli/command.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "cli/messages.h"
#include "cli/verb.h"

namespace heapledger::cli {
namespace {

// 0, or the errno with which starting this file would fail.
int why_not_runnable(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return errno;
  if (S_ISDIR(info.st_mode)) return EISDIR;
  return ::access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

struct Found {
  int error = ENOENT;
  std::string path;
};

Found search_path(const std::string& name) {
  const char* variable = std::getenv("PATH");
  const std::string path = variable != nullptr ? variable : "/bin:/usr/bin";
  Found found;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    const std::string folder = path.substr(begin, end - begin);
    const std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
    const int error = why_not_runnable(candidate);
    if (error == 0) return {0, candidate};
    if (error == EACCES) found.error = EACCES;
    begin = end + 1;
  }
  return found;
}

}  // namespace

void throw_not_started(const std::vector<std::string>& command, int error) {
  const std::string& name = command.front();
  if (error == ENOENT || error == ENOTDIR) {
    throw CommandError("command not found: " + name, "", kExitNotFound);
  }
  throw CommandError("cannot run " + name + ": " + std::strerror(error), "", kExitNotExecutable);
}

void check_command(const std::vector<std::string>& command) {
  const std::string& name = command.front();
  const int error = name.empty()                          ? ENOENT
                    : name.find('/') != std::string::npos ? why_not_runnable(name)
                                                          : search_path(name).error;
  if (error != 0) throw_not_started(command, error);
}

std::string found_command(const std::string& name) {
  return name.find('/') != std::string::npos ? name : search_path(name).path;
}

int become(const std::vector<std::string>& command, const Environment& additions) noexcept {
  for (const auto& [name, value] : additions) {
    if (::setenv(name.c_str(), value.c_str(), 1) != 0) return errno;
  }
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments.front(), arguments.data());
  return errno;
}

}  // namespace heapledger::cli
