// The text of /proc/PID/smaps as values: what each mapping of a process holds.
//
// Threats: the process changes its mappings while the text is read, and chooses the names of the files it maps. Any
// bytes are taken: what is not understood is skipped or marks the text as damaged; memory is bounded by kMostMappings
// and kLongestLine. Pure; one thread a parser; allocates.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace heapledger::recording {

struct Mapping {
  enum class Name : std::uint8_t {
    kNone,         // anonymous, and nobody gave it a name
    kHeap,         // [heap]: the program break
    kStack,        // [stack], or named so by the C library
    kKernel,       // [vdso] and its like
    kMalloc,       // named so by the C library
    kPythonArena,  // named so by CPython
    kOwnFile,      // a ledger or a library of heapledger
    kFile,
    kSharedMemory  // /dev/zero, memfd, System V, files of /dev/shm
  };
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  bool readable = false;
  bool writable = false;
  bool executable = false;
  bool shared = false;  // MAP_SHARED
  Name name = Name::kNone;
  bool marked = false;  // by the engine: not dumped, no huge pages (engine/pages.cc)
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t rss_bytes = 0;
  std::uint64_t pss_bytes = 0;  // rounded down to 1 KiB by the kernel
  std::uint64_t shared_bytes = 0;
  std::uint64_t private_bytes = 0;

  bool inaccessible() const noexcept { return !readable && !writable && !executable; }
};

class SmapsParser {
 public:
  static constexpr std::size_t kMostMappings = std::size_t{1} << 18;
  static constexpr std::size_t kLongestLine = 32 * 1024;  // a path of 4,096 bytes, every one escaped

  // `ledger_path`: the file that is this process's ledger.
  explicit SmapsParser(std::string ledger_path) : ledger_path_(std::move(ledger_path)) {}

  // The next piece of the text, cut anywhere.
  void feed(std::string_view text);
  // No more is to come. False: it contradicts itself, as when mappings moved while it was read, or is too long.
  bool finish();
  const std::vector<Mapping>& mappings() const noexcept { return mappings_; }

 private:
  void line(std::string_view text);
  void header(std::string_view text);
  void field(std::string_view text);

  std::string ledger_path_;
  std::string unfinished_;  // a line whose end is still to come
  bool skipping_ = false;   // the rest of a line that is too long
  bool damaged_ = false;
  std::vector<Mapping> mappings_;
};

// One "Name:   N kB" line of a text like /proc/PID/smaps_rollup, in bytes; -1 when there is none.
std::int64_t kilobyte_field(std::string_view text, std::string_view name);

}  // namespace heapledger::recording
