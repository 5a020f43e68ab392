#include "recording/smaps.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

namespace heapledger::recording {
namespace {

constexpr std::uint64_t kMostKilobytes = std::numeric_limits<std::int64_t>::max() / 1024;

std::optional<std::uint64_t> number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  const bool whole = error == std::errc() && end == text.data() + text.size() && !text.empty();
  return whole ? std::optional(value) : std::nullopt;
}

// The next word of a line, the blanks around it taken off.
std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> pair_of(std::string_view text, char between) {
  const std::size_t at = text.find(between);
  if (at == std::string_view::npos) return std::nullopt;
  const auto first = number(text.substr(0, at), 16);
  const auto second = number(text.substr(at + 1), 16);
  return first && second ? std::optional(std::pair(*first, *second)) : std::nullopt;
}

// Libraries and extension modules of ours, wherever they are installed.
bool is_own_library(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view folder = path.substr(0, slash);
  const std::string_view file = path.substr(slash + 1);
  if (file.find(".so") == std::string_view::npos) return false;
  if (file.starts_with("libheapledger_")) return true;
  constexpr std::array<std::string_view, 4> kModules{"_engine.", "_exchange.", "_recorder.", "_analysis."};
  const auto begins = [file](std::string_view module) { return file.starts_with(module); };
  return folder.ends_with("/heapledger") && std::any_of(kModules.begin(), kModules.end(), begins);
}

Mapping::Name name_in_brackets(std::string_view name) {
  if (name == "[heap]") return Mapping::Name::kHeap;
  if (name.starts_with("[stack")) return Mapping::Name::kStack;
  if (name.starts_with("[anon_shmem:")) return Mapping::Name::kSharedMemory;
  if (name.starts_with("[anon:")) {
    const auto holds = [name](std::string_view part) { return name.find(part) != std::string_view::npos; };
    if (holds("glibc: malloc") || holds("glibc: loader malloc")) return Mapping::Name::kMalloc;
    if (holds("glibc: pthread stack")) return Mapping::Name::kStack;
    return holds("cpython:pymalloc") ? Mapping::Name::kPythonArena : Mapping::Name::kNone;
  }
  return Mapping::Name::kKernel;
}

Mapping::Name name_of_path(std::string_view path, std::string_view ledger) {
  if (path.empty()) return Mapping::Name::kNone;
  if (path.front() == '[') return name_in_brackets(path);
  constexpr std::string_view kDeleted = " (deleted)";
  std::string_view file = path;
  if (file.ends_with(kDeleted)) file.remove_suffix(kDeleted.size());
  if ((!ledger.empty() && file == ledger) || is_own_library(file)) return Mapping::Name::kOwnFile;
  constexpr std::array<std::string_view, 4> kMemory{"/dev/zero", "/memfd:", "/SYSV", "/dev/shm/"};
  const auto begins = [file](std::string_view memory) { return file.starts_with(memory); };
  return std::any_of(kMemory.begin(), kMemory.end(), begins) ? Mapping::Name::kSharedMemory : Mapping::Name::kFile;
}

// "  123 kB"
std::optional<std::uint64_t> kilobytes(std::string_view value) {
  const auto count = number(take_word(value), 10);
  return count ? std::optional(std::min(*count, kMostKilobytes) * 1024) : std::nullopt;
}

bool has_flag(std::string_view flags, std::string_view wanted) {
  for (std::string_view flag = take_word(flags); !flag.empty(); flag = take_word(flags)) {
    if (flag == wanted) return true;
  }
  return false;
}

}  // namespace

void SmapsParser::feed(std::string_view text) {
  while (!text.empty()) {
    const std::size_t newline = text.find('\n');
    const std::string_view part = text.substr(0, newline);
    if (!skipping_ && unfinished_.size() + part.size() > kLongestLine) {
      skipping_ = damaged_ = true;
      unfinished_.clear();
    }
    if (newline == std::string_view::npos) {
      if (!skipping_) unfinished_ += part;
      return;
    }
    if (!skipping_) line(unfinished_.empty() ? part : std::string_view(unfinished_ += part));
    unfinished_.clear();
    skipping_ = false;
    text.remove_prefix(newline + 1);
  }
}

bool SmapsParser::finish() {
  if (!unfinished_.empty() || skipping_) damaged_ = true;  // the kernel ends every line
  unfinished_.clear();
  return !damaged_;
}

void SmapsParser::line(std::string_view text) {
  if (text.empty()) return;
  // Addresses are in small hexadecimal digits, the names of fields begin with a capital.
  const bool address = (text.front() >= '0' && text.front() <= '9') || (text.front() >= 'a' && text.front() <= 'f');
  address ? header(text) : field(text);
}

// 7f4c6eb31000-7f4c6eb57000 r--p 00000000 fe:00 339380                     /usr/lib/x86_64-linux-gnu/libc.so.6
void SmapsParser::header(std::string_view text) {
  Mapping mapping;
  const auto range = pair_of(take_word(text), '-');
  const std::string_view permissions = take_word(text);
  take_word(text);  // offset
  const auto device = pair_of(take_word(text), ':');
  const auto inode = number(take_word(text), 10);
  const std::uint64_t last_end = mappings_.empty() ? 0 : mappings_.back().end;
  const bool understood = range && device && inode && permissions.size() == 4 && range->first < range->second;
  // A mapping that grows while the text is read is told twice.
  if (!understood || range->first < last_end || mappings_.size() == kMostMappings) {
    damaged_ = true;
    return;
  }
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  mapping.start = range->first;
  mapping.end = range->second;
  mapping.readable = permissions[0] == 'r';
  mapping.writable = permissions[1] == 'w';
  mapping.executable = permissions[2] == 'x';
  mapping.shared = permissions[3] == 's';
  mapping.device = device->first << 32U | (device->second & 0xFFFFFFFFU);
  mapping.inode = *inode;
  mapping.name = name_of_path(text, ledger_path_);
  mappings_.push_back(mapping);
}

void SmapsParser::field(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || mappings_.empty()) {
    damaged_ = true;
    return;
  }
  const std::string_view name = text.substr(0, colon);
  const std::string_view value = text.substr(colon + 1);
  Mapping& mapping = mappings_.back();
  if (name == "VmFlags") {
    mapping.marked = has_flag(value, "dd") && has_flag(value, "nh");
    return;
  }
  std::uint64_t* sum = nullptr;
  if (name == "Rss") sum = &mapping.rss_bytes;
  if (name == "Pss") sum = &mapping.pss_bytes;
  if (name == "Shared_Clean" || name == "Shared_Dirty") sum = &mapping.shared_bytes;
  if (name == "Private_Clean" || name == "Private_Dirty") sum = &mapping.private_bytes;
  if (sum == nullptr) return;
  const auto bytes = kilobytes(value);
  if (!bytes || __builtin_add_overflow(*sum, *bytes, sum)) damaged_ = true;
}

std::int64_t kilobyte_field(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.starts_with(name) && line.substr(name.size()).starts_with(':')) {
      const auto bytes = kilobytes(line.substr(name.size() + 1));
      return bytes ? static_cast<std::int64_t>(*bytes) : -1;
    }
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return -1;
}

}  // namespace heapledger::recording
