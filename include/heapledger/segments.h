// What kinds of memory the processes hold, what they share, whose blocks go where: RequestIsolator::segments(), the
// verb `heapledger segments`. Conventions as in recording_info.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "heapledger/recording_info.h"

namespace heapledger::analysis {

// What a mapping of a process is. Not told apart by guess: what nothing proves is kOtherAnonymous.
enum class SegmentKind {
  kPythonArenas,
  kMallocHeap,
  kOtherAnonymous,
  kLibraries,
  kMappedFiles,
  kSharedMemory,
  kStacks,
  kHeapledger
};
const char* name_of(SegmentKind kind) noexcept;  // "python_arenas", "malloc_heap", "other_anonymous" ...

struct Segment {
  SegmentKind kind = SegmentKind::kOtherAnonymous;
  std::uint64_t rss_bytes = 0;      // == shared + private
  std::uint64_t shared_bytes = 0;   // in pages that other processes map too
  std::uint64_t private_bytes = 0;  // in pages that only this one maps
};

struct SegmentsOptions {
  std::vector<std::int64_t> workers;  // SegmentsWorker::worker; empty: all
};

// A process at its latest reading. The sizes are absent when it could not be read.
struct SegmentsWorker {
  std::int64_t worker = 0;  // what --worker takes
  bool serves = false;      // as in WorkerCost
  std::int64_t pid = 0;
  std::int64_t parent_pid = 0;
  bool in_group = false;  // it ran when the last one that came was first read: it counts in the group
  std::optional<std::int64_t> read_at_unix_us;
  std::optional<std::int64_t> first_read_at_unix_us;
  std::optional<std::uint64_t> rss_bytes;
  std::optional<std::uint64_t> pss_bytes;
  std::optional<std::uint64_t> uss_bytes;  // private: what its end would give back
  std::optional<std::uint64_t> shared_bytes;
  // At most so much of what it shared with its parent at its first reading it has for itself now. Absent unless its
  // parent is of the recording, and it was read twice.
  std::optional<std::uint64_t> unshared_bytes;
  std::string unread;             // why it could not be read; empty: it was, or ended too soon
  std::vector<Segment> segments;  // largest first, without those of no size
};

// Sums over the processes in the group. Absent when none was read.
struct SegmentsGroup {
  std::uint64_t processes = 0;
  std::optional<std::uint64_t> rss_bytes;
  std::optional<std::uint64_t> pss_bytes;
  std::optional<std::uint64_t> uss_bytes;
  std::optional<std::uint64_t> saved_bytes;  // rss - pss
  std::optional<std::uint64_t> unshared_bytes;
  std::vector<Segment> segments;
};

// What became of the blocks of one endpoint's requests.
struct EndpointBlocks {
  std::string method;
  std::string route;
  std::string version;         // empty when none
  std::uint64_t requests = 0;  // with a figure
  std::uint64_t isolated_bytes = 0;
  std::uint64_t escaped_bytes = 0;
  std::optional<std::uint64_t> handed_off_bytes;  // of the escaped, freed by another request; absent: not recorded
  std::uint64_t adopted_bytes = 0;                // freed by its requests, allocated by others
  std::uint64_t retained_bytes = 0;               // of the escaped, still live when the books were read
};

// Blocks that escaped from requests of one endpoint and were freed by requests of another, or of the same.
struct BlockFlow {
  std::string from_method;
  std::string from_route;
  std::string to_method;  // empty with an empty route: freed outside of every request
  std::string to_route;
  std::uint64_t bytes = 0;
  std::uint64_t blocks = 0;
};

struct SegmentsResult {
  RecordingInfo recording;
  std::vector<SegmentsWorker> workers;
  SegmentsGroup group;
  std::vector<EndpointBlocks> blocks;  // most escaped first
  std::vector<BlockFlow> flows;        // largest first
  std::uint64_t lost_flow_bytes = 0;   // in none of them, for want of room

  std::string to_text() const;
  std::string to_json() const;
  std::string to_csv() const;
};

}  // namespace heapledger::analysis
