#include "recording/segment_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <functional>
#include <string_view>
#include <utility>

#include "recording/smaps.h"

namespace heapledger::recording {
namespace {

constexpr int kTries = 3;  // mappings may move while they are read
constexpr std::size_t kMostSmallBytes = 8192;
// Where RLIMIT_STACK says nothing: glibc's own choice on x86-64 and aarch64.
constexpr std::uint64_t kUnlimitedStackBytes = std::uint64_t{2} << 20;
constexpr std::uint64_t kPresent = std::uint64_t{1} << 63U;
constexpr std::uint64_t kExclusive = std::uint64_t{1} << 56U;

class ProcFile {
 public:
  ProcFile(std::uint64_t pid, const char* name) {
    const std::string path = "/proc/" + std::to_string(pid) + "/" + name;
    do {
      descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    } while (descriptor_ < 0 && errno == EINTR);
    error_ = descriptor_ < 0 ? errno : 0;
  }
  ~ProcFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  ProcFile(const ProcFile&) = delete;
  ProcFile& operator=(const ProcFile&) = delete;

  bool is_open() const noexcept { return descriptor_ >= 0; }
  int error() const noexcept { return error_; }

  // The next bytes; 0 at the end, and where it cannot be read on.
  std::size_t read(char* buffer, std::size_t bytes) {
    return settle([&] { return ::read(descriptor_, buffer, bytes); });
  }
  std::size_t read_at(void* buffer, std::size_t bytes, std::uint64_t offset) {
    return settle([&] { return ::pread(descriptor_, buffer, bytes, static_cast<off_t>(offset)); });
  }

 private:
  template <class Call>
  std::size_t settle(Call call) {
    if (descriptor_ < 0) return 0;
    ssize_t count = 0;
    do {
      count = call();
    } while (count < 0 && errno == EINTR);
    if (count < 0) error_ = errno;
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }

  int descriptor_ = -1;
  int error_ = 0;
};

std::string read_small(std::uint64_t pid, const char* name) {
  ProcFile file(pid, name);
  std::string text(kMostSmallBytes, '\0');
  text.resize(file.read(text.data(), text.size()));
  return text;
}

std::uint64_t stack_bytes_of(std::uint64_t pid) {
  const std::string limits = read_small(pid, "limits");
  constexpr std::string_view kName = "Max stack size";
  const std::size_t at = limits.find(kName);
  if (at == std::string::npos) return 0;
  std::string_view value = std::string_view(limits).substr(at + kName.size());
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  if (value.starts_with("unlimited")) return kUnlimitedStackBytes;
  std::uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), bytes);
  return error == std::errc() && end != value.data() ? bytes : 0;
}

// Resident and private pages of a range, by the process's page map: opened when first asked.
class PageMap {
 public:
  PageMap(std::uint64_t pid, std::uint64_t page_bytes) : pid_(pid), page_bytes_(page_bytes) {}

  std::optional<PageCount> count(AddressRange range) {
    if (!file_) file_.emplace(pid_, "pagemap");
    PageCount sum;
    std::array<std::uint64_t, 8192> entries{};
    std::uint64_t page = range.start / page_bytes_;
    const std::uint64_t end = range.end / page_bytes_;
    while (page < end) {
      const std::size_t wanted = std::min<std::uint64_t>(entries.size(), end - page) * sizeof entries[0];
      const std::size_t read = file_->read_at(entries.data(), wanted, page * sizeof entries[0]);
      const std::size_t pages = read / sizeof entries[0];
      if (pages == 0) return std::nullopt;
      for (std::size_t i = 0; i < pages; ++i) {
        if ((entries[i] & kPresent) == 0) continue;
        sum.resident_bytes += page_bytes_;
        if ((entries[i] & kExclusive) != 0) sum.private_bytes += page_bytes_;
      }
      page += pages;
    }
    return sum;
  }

 private:
  std::uint64_t pid_;
  std::uint64_t page_bytes_;
  std::optional<ProcFile> file_;
};

// False: it contradicts itself. An error other than "gone" is left in `error`.
bool parse_whole(std::uint64_t pid, SmapsParser& parser, int& error) {
  ProcFile file(pid, "smaps");
  std::array<char, 16384> buffer{};
  for (std::size_t count = file.read(buffer.data(), buffer.size()); count > 0;
       count = file.read(buffer.data(), buffer.size())) {
    parser.feed({buffer.data(), count});
  }
  error = file.error();
  return parser.finish();
}

bool is_gone(int error) { return error == ENOENT || error == ESRCH; }

}  // namespace

SegmentsRead read_segments(std::uint64_t pid, const std::string& ledger_path, KnownMemory known) {
  SegmentsRead result;
  known.page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  known.stack_bytes = stack_bytes_of(pid);
  for (int i = 0; i < kTries; ++i) {
    SmapsParser parser(ledger_path);
    int error = 0;
    const bool sound = parse_whole(pid, parser, error);
    if (error != 0) {
      if (!is_gone(error)) result.failure = std::string("/proc/PID/smaps: ") + std::strerror(error);
      return result;
    }
    if (parser.mappings().empty()) return result;  // it has ended: a zombie has no memory
    if (!sound) continue;
    PageMap pages(pid, known.page_bytes);
    const auto count = [&pages](AddressRange range) { return pages.count(range); };
    result.sums = sum_segments(parser.mappings(), known, count);
    // What smaps says of a mapping is rounded down to 1 KiB; their sum is not, where nothing moved between the two.
    const std::string rollup = read_small(pid, "smaps_rollup");
    const std::int64_t pss = kilobyte_field(rollup, "Pss");
    if (pss >= 0 && kilobyte_field(rollup, "Rss") == static_cast<std::int64_t>(result.sums->rss_bytes)) {
      result.sums->pss_bytes = static_cast<std::uint64_t>(pss);
    }
    return result;
  }
  result.failure = "its mappings changed while they were read";
  return result;
}

}  // namespace heapledger::recording
