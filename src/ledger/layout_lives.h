// The ledger's records about what outlives its request: cohorts, flows, sampled stacks. Part of ledger/layout.h, whose
// guarantees and markings hold here.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace heapledger::ledger {

inline constexpr std::uint32_t kCohorts = 16;
inline constexpr std::uint32_t kCohortCells = 4096;
inline constexpr std::uint32_t kFlowCells = 512;
inline constexpr std::uint32_t kPlaces = 4096;
inline constexpr std::uint32_t kStacks = 2048;
inline constexpr std::uint32_t kStackPlaces = 26;
inline constexpr std::uint32_t kSites = 2048;
inline constexpr std::size_t kPlaceStringBytes = std::size_t{128} * 1024;
inline constexpr std::uint32_t kAgeBins = 12;

// What became of an endpoint's survivors: blocks that were live when their request had ended. Ages are counted in
// requests of the endpoint that ended since, and in time since the owner's request (or the last of its cohort) ended:
//   bin 0: below 10 ms, bin n: below 10 ms * 4^n, the last one: all above.
// Cohorts are runs of `cohort_requests` requests each; when there are more than sixteen, the runs double and pairs of
// cohorts become one.
struct LifeRecord {
  std::uint64_t requests;         // [gil] that have ended
  std::uint32_t cohort_requests;  // [gil] 0: nothing was tenured yet
  std::uint32_t reserved_small;
  std::uint16_t cohort_owners[kCohorts];               // [gil] tenured owners, 0: none
  std::atomic<std::int64_t> retained_bytes;            // [any] survivors still live
  std::atomic<std::uint64_t> freed_bytes;              // [any] survivors freed
  std::atomic<std::uint64_t> oldest_free_requests;     // [gil] freed_since_requests when its last request ended
  std::atomic<std::uint64_t> first_aged_free_request;  // [any] LifeRecord::requests when first one of age 32 and more
  std::atomic<std::uint64_t> last_aged_free_request;   // [any] ... and when last
  std::atomic<std::uint64_t> freed_by_age_bytes[kAgeBins];  // [any]
  std::atomic<std::uint64_t> freed_since_requests;          // [any] the greatest age, also since its last request ended
};
static_assert(sizeof(LifeRecord) == 192);

// Survivors of one size that a cohort holds, as counted by the walk at the freeze.
// key: endpoint << 32 | cohort << 16 | (size class + 1); 0: unused.
struct CohortCell {
  std::atomic<std::uint64_t> key;
  std::uint64_t live_bytes;
  std::uint64_t live_blocks;
  std::uint64_t reserved;
};
static_assert(sizeof(CohortCell) == 32);

// Survivors of one endpoint's requests that requests of another (or of the same) freed.
// key: (owner's endpoint + 1) << 32 | (freer's endpoint + 1); 0: unused.
struct FlowCell {
  std::atomic<std::uint64_t> key;
  std::atomic<std::uint64_t> bytes;
  std::atomic<std::uint64_t> blocks;
  std::uint64_t reserved;
};
static_assert(sizeof(FlowCell) == 32);

struct PlaceRecord {
  std::uint32_t function_offset;  // into the string heap of places
  std::uint32_t file_offset;
  std::uint32_t line;
  std::uint16_t function_bytes;
  std::uint16_t file_bytes;
};
static_assert(sizeof(PlaceRecord) == 16);

inline constexpr std::uint16_t kStackTruncated = 1;

struct StackRecord {
  std::uint64_t hash;
  std::uint16_t depth;
  std::uint16_t flags;                 // kStack*
  std::uint16_t places[kStackPlaces];  // innermost first
};
static_assert(sizeof(StackRecord) == 64);

// Estimates from sampled blocks, each counted for the blocks it stands for. Stack 0: no Python code was running.
struct SiteRecord {
  std::uint32_t endpoint;
  std::uint32_t stack;
  std::uint64_t samples;
  double allocated_bytes;
  double peak_bytes;      // live at the peak of their request, summed over requests
  double retained_bytes;  // survivors still live
  double retained_blocks;
  std::uint64_t retained_samples;
  std::uint64_t reserved;
};
static_assert(sizeof(SiteRecord) == 64);

}  // namespace heapledger::ledger
