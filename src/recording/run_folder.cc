#include "recording/run_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "ledger/layout.h"
#include "recording/recording.h"
#include "recording/text.h"

namespace heapledger::recording {
namespace {

constexpr std::size_t kSmallFileBytes = std::size_t{16} * 1024;

std::optional<std::string> read_small_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return std::nullopt;
  std::string text(kSmallFileBytes, '\0');
  const ssize_t count = ::read(fd, text.data(), text.size());
  ::close(fd);
  if (count < 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(count));
  return text;
}

// Empty: usable. A folder that someone else could have prepared is not.
std::string why_unusable(const std::string& base) {
  if (::mkdir(base.c_str(), 0700) != 0 && errno != EEXIST) return std::strerror(errno);
  struct stat info {};
  if (::lstat(base.c_str(), &info) != 0) return std::strerror(errno);
  if (!S_ISDIR(info.st_mode)) return "not a folder";
  if (info.st_uid != ::geteuid()) return "belongs to another user";
  if ((info.st_mode & 077) != 0) return "others may enter it (its mode must be 0700)";
  if (::access(base.c_str(), W_OK | X_OK) != 0) return std::strerror(errno);
  return {};
}

// Ledgers reserve their pages before use: two of them should fit, or the next place is better.
bool has_room(const std::string& base) {
  struct statvfs info {};
  if (::statvfs(base.c_str(), &info) != 0) return false;
  return info.f_bavail * info.f_frsize >= 2 * ledger::kLedgerBytes;
}

// A folder that the user named: it may be a mounted volume with any owner; the run's own folder below it is private.
std::string named_base(const std::string& run_dir) {
  if (::mkdir(run_dir.c_str(), 0700) != 0 && errno != EEXIST) {
    throw RecordingError("cannot create the run folder " + run_dir + ": " + std::strerror(errno));
  }
  struct stat info {};
  if (::stat(run_dir.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    throw RecordingError("the run folder " + run_dir + " is not a folder");
  }
  if (::access(run_dir.c_str(), W_OK | X_OK) != 0) {
    throw RecordingError("cannot write to the run folder " + run_dir + ": " + std::strerror(errno));
  }
  const std::unique_ptr<char, decltype(&std::free)> absolute(::realpath(run_dir.c_str(), nullptr), &std::free);
  return absolute ? absolute.get() : run_dir;
}

}  // namespace

std::string run_base(const std::string& run_dir) {
  if (!run_dir.empty()) return named_base(run_dir);
  const std::string name = "/heapledger-" + std::to_string(::geteuid());
  const char* temporary = std::getenv("TMPDIR");
  std::string reasons;
  for (const std::string& place :
       {std::string("/dev/shm"), std::string(temporary != nullptr && *temporary != '\0' ? temporary : "/tmp")}) {
    std::string base = place + name;
    std::string reason = why_unusable(base);
    if (reason.empty() && !has_room(base)) reason = "no room for ledgers";
    if (reason.empty()) return base;
    reasons.append(reasons.empty() ? "" : "; ").append(base).append(": ").append(reason);
  }
  throw RecordingError("no usable run folder (" + reasons + ")", "name one with --run-dir DIR");
}

std::uint64_t ledger_bytes() noexcept { return ledger::kLedgerBytes; }

std::string create_run_folder(const std::string& base) {
  std::string folder = base + "/run-" + std::to_string(::getpid()) + "-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) {
    throw RecordingError("cannot create a run folder below " + base + ": " + std::strerror(errno),
                         "name another place with --run-dir DIR");
  }
  return folder;
}

std::string run_info_path(const std::string& folder) { return file_in(folder, "run.json"); }

RunLock write_run_info(const std::string& folder, const RunInfo& info) {
  const nlohmann::json document = {{"pid", info.pid},
                                   {"start_ticks", info.start_ticks},
                                   {"recording", clean_text(info.recording)},
                                   {"started_unix_ns", info.started_unix_ns}};
  const std::string text = document.dump() + "\n";
  const std::string path = run_info_path(folder);
  // It has its name only once it is whole and locked.
  const std::string building = path + ".new";
  const auto failed = [&](int error) -> RecordingError {
    ::unlink(building.c_str());
    return RecordingError("cannot write " + path + ": " + std::strerror(error));
  };
  const int fd = ::open(building.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) throw failed(errno);
  RunLock lock;
  lock.hold(fd);
  const ssize_t count = ::write(fd, text.data(), text.size());
  if (count != static_cast<ssize_t>(text.size())) throw failed(count < 0 ? errno : ENOSPC);
  if (::access(path.c_str(), F_OK) == 0) throw failed(EEXIST);
  if (::rename(building.c_str(), path.c_str()) != 0) throw failed(errno);
  return lock;
}

std::optional<RunInfo> read_run_info(const std::string& folder) {
  const std::optional<std::string> text = read_small_file(run_info_path(folder));
  if (!text) return std::nullopt;
  const nlohmann::json document = nlohmann::json::parse(*text, nullptr, false);
  if (!document.is_object()) return std::nullopt;
  try {
    return RunInfo{document.at("pid").get<std::uint64_t>(), document.at("start_ticks").get<std::uint64_t>(),
                   document.at("recording").get<std::string>(), document.at("started_unix_ns").get<std::int64_t>()};
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

std::vector<std::string> run_folders(const std::string& base) {
  std::vector<std::string> folders;
  DIR* directory = ::opendir(base.c_str());
  if (directory == nullptr) return folders;
  while (const dirent* entry = ::readdir(directory)) {
    if (std::strncmp(entry->d_name, "run-", 4) != 0) continue;
    const std::string folder = base + "/" + entry->d_name;
    struct stat info {};
    if (::lstat(folder.c_str(), &info) != 0) continue;
    const bool ours = S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() && (info.st_mode & 077) == 0;
    if (ours) folders.push_back(folder);
  }
  ::closedir(directory);
  std::sort(folders.begin(), folders.end());
  return folders;
}

std::vector<std::string> files_ending(const std::string& folder, const std::string& suffix) {
  std::vector<std::string> names;
  DIR* directory = ::opendir(folder.c_str());
  if (directory == nullptr) return names;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string name = entry->d_name;
    if (name.size() > suffix.size() && name.ends_with(suffix)) names.push_back(name);
  }
  ::closedir(directory);
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<NoteRow> read_refusal(const std::string& path) {
  const std::optional<std::string> text = read_small_file(path);
  if (!text) return std::nullopt;
  const nlohmann::json document = nlohmann::json::parse(clean_text(*text), nullptr, false);
  if (!document.is_object()) return std::nullopt;
  const auto member = [&document](const char* name) {
    const auto found = document.find(name);
    return found != document.end() && found->is_string() ? clean_text(found->get<std::string>()) : std::string();
  };
  return NoteRow{member("executable"), member("python"), member("reason")};
}

void remove_run_folder(const std::string& folder) noexcept {
  DIR* directory = ::opendir(folder.c_str());
  if (directory == nullptr) return;
  const int fd = ::dirfd(directory);
  while (const dirent* entry = ::readdir(directory)) ::unlinkat(fd, entry->d_name, 0);
  ::closedir(directory);
  ::rmdir(folder.c_str());
}

}  // namespace heapledger::recording
