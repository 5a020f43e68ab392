// The ledger: one memory-mapped file per worker process, the wall between the service and its observers.
//
// Guarantees a reader may rely on:
//   - the file has kLedgerBytes from the moment it has this name; it never grows or shrinks;
//   - every area lies at the fixed offset below; `layout_version` changes when any of them does;
//   - ring records appear in order and are complete once their `commit` equals their index + 1;
//   - after SIGKILL the file holds every store made before it.
// Threats a reader must survive: any byte may be anything (a torn writer, a hostile file). Readers copy first,
// check ids and offsets against the counts below, and never follow a pointer: there are none in the file.
//
// Writer: threads of one process. Fields marked [gil] are plain stores made by whoever holds the GIL (or, through
// the C seam, by the caller's own exclusion); fields marked [any] are atomics. No allocation, no locks.
// Fork: the child replaces its view by private memory before it stores anything (engine/fork.h).
//
//   offset      size        area
//   0           4 KiB       Header
//   4 KiB       512 KiB     HotBank[8192]       counters stored under the GIL
//   516 KiB     512 KiB     OffGilBank[8192]    counters of threads without the GIL
//   1028 KiB    1.5 MiB     OwnerRecord[8192]   who the owner is
//   2564 KiB    32 KiB      EndpointRecord[1024]
//   2596 KiB    160 KiB     string heap
//   2756 KiB    512 KiB     RingRecord[2048]    finished requests and pools' events
//   3268 KiB    8 KiB       PeakRecord[2]       composition of the highest moment, double-buffered
//   3276 KiB    4 KiB       ProcessSample       latest self-measurement
//   3280 KiB    192 KiB     LifeRecord[1024]    what became of an endpoint's blocks after its requests, by endpoint id
//   3472 KiB    128 KiB     CohortCell[4096]    survivors by cohort and size at the freeze, open addressing
//   3600 KiB    16 KiB      FlowCell[512]       who freed whose blocks, open addressing
//   3616 KiB    64 KiB      PlaceRecord[4096]   lines of code that sampled stacks pass through
//   3680 KiB    128 KiB     StackRecord[2048]   sampled stacks
//   3808 KiB    128 KiB     SiteRecord[2048]    what each endpoint allocated through each stack
//   3936 KiB    128 KiB     string heap of places
//   4064 KiB    8 KiB       ConnectionPoolRecord[64]      connection pools
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ledger/layout_lives.h"
#include "ledger/layout_marks.h"
#include "ledger/layout_payload.h"
#include "ledger/layout_pools.h"

namespace heapledger::ledger {

inline constexpr std::uint64_t kMagic = 0x31474C5045414548ULL;  // "HEAPLG1" little-endian, never changes
inline constexpr std::uint32_t kLayoutVersion = 5;

inline constexpr std::size_t kPageBytes = 4096;
inline constexpr std::uint32_t kOwnerSlots = 8192;
inline constexpr std::uint32_t kEndpointSlots = 1024;
inline constexpr std::uint32_t kRingRecords = 2048;
inline constexpr std::uint32_t kPeakMembers = 64;
inline constexpr std::size_t kStringHeapBytes = std::size_t{160} * 1024;
inline constexpr std::uint32_t kCurvePoints = 16;

enum class OwnerKind : std::uint8_t {
  kNone = 0,
  kService = 1,
  kImport = 2,
  kRequest = 3,
  kTenured = 4,
  kConnection = 5,
  kInherited =
      6  // a request, connection or tenured owner of the process that forked this one: its blocks are here in copy
};

//            end()            leave()
//   kFree -> kOpen -> kResponded -> kEnded -> kFree               its survivors died one by one, or
//                                   kEnded -> kSweeping -> kFree    they were moved to the endpoint's tenured owner.
// In kResponded the response is out, background work may still run, and the row waits in OwnerRecord::at_end: whoever
// finds a dead worker's owner in this state writes the row from there. leave() puts the row into the ring.
// Service, import and tenured owners stay kOpen for life. A connection is kOpen until it is closed, then kEnded.
enum class OwnerState : std::uint8_t { kFree = 0, kOpen = 1, kResponded = 2, kEnded = 3, kSweeping = 4 };

enum class ProcessState : std::uint32_t { kStarting = 0, kLive = 1, kFrozen = 2, kDisplaced = 3 };

// The counters of one owner, stored under the GIL. live == threshold - room; freed == allocated - live.
// `room` outside [0, width] sends the next operation to the slow path, where the clock is read and level and peak
// are folded; the peak so far is max(peak, threshold - min(min_room, room)).
struct alignas(64) HotBank {
  std::int64_t room;
  std::uint64_t width;
  std::int64_t threshold;
  std::int64_t min_room;
  std::uint64_t allocated_bytes;
  std::uint64_t allocations;
  std::uint64_t peak_bytes;
  std::uint64_t synced_ns;
};
static_assert(sizeof(HotBank) == 64);

// The same owner's counters from threads that do not hold the GIL. [any], relaxed: sums only, no ordering needed.
struct alignas(64) OffGilBank {
  std::atomic<std::int64_t> live_bytes;  // may be negative: blocks credited in the hot bank, freed here
  std::atomic<std::uint64_t> allocated_bytes;
  std::atomic<std::uint64_t> allocations;
  std::atomic<std::uint64_t> peak_bytes;
  std::int64_t folded_live_bytes;  // [gil] live_bytes as the last fold of the hot bank saw it
  // Of what both banks count, the part that is native: blocks of the next allocator that no MEM or OBJ hook returned.
  std::atomic<std::int64_t> native_live_bytes;
  std::atomic<std::uint64_t> native_allocated_bytes;
  std::atomic<std::uint64_t> native_peak_bytes;
};
static_assert(sizeof(OffGilBank) == 64);

inline constexpr std::uint16_t kOwnerApproximate = 1;  // no slot was free: bytes went to the tenured owner
inline constexpr std::uint16_t kOwnerDiscarded = 2;    // a request without a row: its kind is kService from then on
inline constexpr std::uint16_t kOwnerAged = 4;         // its request is over, or it is tenured: frees are survivors'

// What the row will say, taken when the response was out.
struct EndSnapshot {
  std::uint64_t duration_ns;
  std::uint64_t allocated_bytes;
  std::uint64_t allocations;
  std::uint64_t peak_bytes;
  std::uint64_t escaped_bytes;
  std::uint64_t isolated_bytes;
  std::uint32_t status;
  std::uint32_t flags;
};

struct alignas(64) OwnerRecord {
  std::uint32_t generation;  // odd while the record is being rewritten, so a reader can tell
  OwnerState state;
  OwnerKind kind;
  std::uint16_t flags;
  std::uint32_t endpoint;     // requests and tenured owners
  std::uint32_t name_offset;  // import owners: string heap
  std::uint32_t name_bytes;
  std::uint32_t in_flight_at_start;
  std::uint64_t sequence;  // request number in this worker, from 1; of a connection: its number in its pool
  std::uint64_t started_unix_ns;
  std::uint64_t started_ns;           // CLOCK_MONOTONIC
  double byte_seconds;                // integral of live bytes up to HotBank::synced_ns; stands still from end() on
  std::uint64_t foreign_freed_bytes;  // of this owner's blocks, freed by somebody else while it was open
  std::uint64_t adopted_bytes;        // freed by this owner, allocated by another
  std::uint64_t running_ns;
  std::uint64_t received_bytes;
  std::uint64_t sent_bytes;
  std::int64_t recorded_level_bytes;  // its part of the process level, as of the last fold
  std::uint32_t next_open;            // doubly linked list of open and responded requests, owner ids; 0 ends it
  std::uint32_t previous_open;
  union {
    EndSnapshot at_end;  // requests; valid from kResponded on
    ConnectionState connection;
  };
  std::uint64_t native_allocated_bytes;
  std::uint64_t native_peak_bytes;
  std::uint32_t ordinal;  // which of its endpoint's requests, from 1, by the order of their ends; of a tenured owner:
                          // the first of its cohort, 0 when it has none
  std::uint32_t reserved;
};
static_assert(sizeof(OwnerRecord) == 192);

struct EndpointRecord {
  std::uint32_t method_offset;  // all offsets are into the string heap
  std::uint32_t route_offset;
  std::uint32_t version_offset;
  std::uint16_t method_bytes;
  std::uint16_t route_bytes;
  std::uint16_t version_bytes;
  std::uint16_t deprecated;
  std::uint32_t tenured_owner;  // owner id, 0 while none was needed
  std::uint32_t notice_offset;  // headers Deprecation and Sunset of its responses, a line each; set once
  std::uint32_t notice_bytes;   // 0: none; stored with release after the text and its offset
};
static_assert(sizeof(EndpointRecord) == 32);

enum class RecordKind : std::uint32_t { kNone = 0, kRequest = 1, kPoolEvent = 2 };

inline constexpr std::uint32_t kRequestApproximate = 1u << 0;
inline constexpr std::uint32_t kRequestRaised = 1u << 1;
inline constexpr std::uint32_t kRequestStreamedIn = 1u << 2;
inline constexpr std::uint32_t kRequestStreamedOut = 1u << 3;
inline constexpr std::uint32_t kRequestDisconnected = 1u << 4;
inline constexpr std::uint32_t kRequestPhases = 1u << 5;  // its phases were seen: RingRecord::phases is valid

// How live bytes moved during a request: its duration in sixteen equal parts, the mean level of each in fifteenths of
// the request's peak, four bits each, the first part highest. peak_percent: when the peak was reached, in percent of
// the duration; kNoCurve: neither is known.
inline constexpr std::uint8_t kNoCurve = 255;

// One finished request.
struct RingRecord {
  std::atomic<std::uint64_t> commit;  // index + 1 once complete: release here, acquire in the reader
  RecordKind kind;
  std::uint32_t endpoint;
  std::uint64_t sequence;
  std::uint64_t started_unix_ns;
  std::uint64_t duration_ns;
  std::uint32_t status;
  std::uint32_t flags;
  std::uint64_t received_bytes;
  std::uint64_t sent_bytes;
  std::uint32_t in_flight_at_start;
  std::uint32_t in_flight_peak;
  std::uint64_t allocated_bytes;
  std::uint64_t allocations;
  std::uint64_t peak_bytes;
  std::uint64_t escaped_bytes;
  std::uint64_t isolated_bytes;
  std::uint64_t adopted_bytes;
  std::uint64_t native_allocated_bytes;
  std::uint64_t native_peak_bytes;
  double byte_seconds;
  std::uint64_t running_ns;
  std::uint64_t after_response_bytes;  // allocated between end() and leave(): background tasks
  std::uint32_t request_type_offset;   // content types: string heap, 0 bytes when absent
  std::uint32_t response_type_offset;
  std::uint16_t request_type_bytes;
  std::uint16_t response_type_bytes;
  Encoding request_encoding;
  Encoding response_encoding;
  std::uint16_t reserved_small;
  std::uint64_t curve;
  std::uint8_t peak_percent;
  std::uint8_t reserved;
  PackedPhase phases[kPhases];
};
static_assert(sizeof(RingRecord) == 256);
static_assert(sizeof(PoolEventRecord) <= sizeof(RingRecord) && sizeof(PoolEventRecord) % sizeof(std::uint64_t) == 0);
static_assert(offsetof(PoolEventRecord, record_kind) == offsetof(RingRecord, kind));

inline constexpr std::uint32_t kMemberResponded = 1;  // at work after its response

struct PeakMember {
  std::uint32_t endpoint;
  std::uint32_t flags;  // kMember*
  std::uint64_t sequence;
  std::uint64_t live_bytes;
};

// Written into the buffer that `Header::peak_current` does not name, which is then switched.
struct PeakRecord {
  std::uint64_t at_unix_ns;
  std::uint64_t live_bytes;    // whole process, every owner
  std::uint32_t in_flight;     // how many requests were open, or at work after their response
  std::uint32_t member_count;  // how many of them are listed, largest first (at most kPeakMembers)
  PeakMember members[kPeakMembers];
  std::uint64_t reserved[317];
};
static_assert(sizeof(PeakRecord) == 4096);

inline constexpr std::uint32_t kArenaRuns = 496;

// What /proc/PID/smaps cannot tell of the process's addresses. Rewritten when an arena comes or goes, under the GIL.
struct KnownAddresses {
  std::atomic<std::uint64_t> version;  // odd while being written; reader retries
  std::uint64_t own_address;           // the engine's static memory
  std::uint64_t own_bytes;
  std::uint32_t run_count;
  std::uint32_t untold_arenas;     // no room for their addresses
  std::uint64_t runs[kArenaRuns];  // address | number of adjacent 1 MiB arenas, at most 4,095; in no order
  std::uint64_t reserved[4];
};

// What the process measures of itself, now and then and at the freeze.
struct ProcessSample {
  std::atomic<std::uint64_t> version;  // odd while being written; reader retries
  std::uint64_t at_unix_ns;
  std::uint64_t rss_bytes;
  std::uint64_t live_bytes;
  std::uint64_t allocator_retained_bytes;
  std::uint64_t heapledger_bytes;
  std::uint64_t arena_bytes;
  std::uint64_t native_live_bytes;  // part of live_bytes
  KnownAddresses addresses;
};
static_assert(sizeof(ProcessSample) == kPageBytes);

struct alignas(4096) Header {
  std::uint64_t magic;
  std::uint32_t layout_version;
  std::uint32_t header_bytes;
  std::uint64_t file_bytes;
  std::uint64_t pid;
  std::uint64_t parent_pid;
  std::uint64_t process_start_ticks;  // field 22 of /proc/PID/stat: tells a recycled pid
  std::uint64_t started_unix_ns;
  std::uint64_t started_ns;  // CLOCK_MONOTONIC
  std::atomic<ProcessState> state;
  std::uint32_t native;  // 1 when the libc interposer is active
  char python[32];       // "3.11.2", NUL-terminated
  char rule[32];         // block map rule in use: "pymalloc pools", "16-byte granules", ...
  char server[64];       // "gunicorn", "uvicorn", ...; set by the adapter, NUL-terminated
  char allocator[64];    // what serves malloc: "libc, 32-byte granules", "libjemalloc.so.2, ..."; empty: not seen
  char unseen[128];      // loaded packages with allocators of their own: "polars, pyarrow"

  // Books of owners whose slot was recycled. [gil]
  std::uint64_t retired_allocated_bytes;
  std::uint64_t retired_allocations;
  std::uint64_t retired_owners;

  // Rings. head [any]: reserved by writers (acq_rel); tail: released by the one reader, acquired by writers.
  alignas(64) std::atomic<std::uint64_t> ring_head;
  alignas(64) std::atomic<std::uint64_t> ring_tail;
  alignas(64) std::atomic<std::uint64_t> dropped_requests;
  std::atomic<std::uint64_t> started_requests;
  std::atomic<std::uint64_t> finished_requests;
  std::atomic<std::uint64_t> approximate_requests;
  std::atomic<std::uint64_t> untracked_blocks;  // no room in the block map: not in any figure
  std::atomic<std::uint64_t> foreign_blocks;    // freed by us, allocated before we came
  std::atomic<std::uint64_t> folded_endpoints;  // lookups answered by <other>
  std::atomic<std::uint64_t> foreign_interpreter_blocks;
  std::atomic<std::uint64_t> lost_frees;         // blocks whose free nobody reported: another took their place
  std::atomic<std::uint64_t> displaced_unix_ns;  // somebody removed our hooks; 0: never seen
  std::atomic<std::uint32_t> in_flight;
  std::atomic<std::uint32_t> endpoint_count;    // release after the record; acquire before reading it
  std::atomic<std::uint32_t> string_bytes;      // used bytes of the string heap
  std::atomic<std::uint32_t> peak_current;      // which PeakRecord is complete (0 or 1)
  std::atomic<std::uint32_t> owner_high_water;  // slots above this were never used

  // The audit at the freeze: the block map walked, summed by size. Equal to the owners' live bytes when balanced.
  std::uint64_t audited;  // 1 once the three below are valid
  std::uint64_t audited_live_bytes;
  std::uint64_t audited_owner_mismatches;
  std::uint64_t frozen_unix_ns;

  // Sampled stacks. Written by whoever holds the sampler; counts: release after the record, acquire before reading it.
  std::atomic<std::uint32_t> place_count;
  std::atomic<std::uint32_t> stack_count;
  std::atomic<std::uint32_t> site_count;
  std::atomic<std::uint32_t> place_string_bytes;
  std::atomic<std::uint64_t> lost_samples;       // no room, or the sampler was held by another thread
  std::atomic<std::uint64_t> lost_cohort_bytes;  // survivors at the freeze that found no cell
  std::atomic<std::uint64_t> lost_flow_bytes;

  // [gil]; count: release after the record, acquire before reading it.
  std::atomic<std::uint32_t> body_limit_count;
  std::uint32_t reserved_limits;
  BodyLimit body_limits[kBodyLimits];

  std::atomic<std::uint32_t> pool_count;           // release after the record; acquire before reading it
  std::atomic<std::uint32_t> untold_pools;         // found no record: in no figure
  std::atomic<std::uint64_t> dropped_pool_events;  // the ring was full, or half full: the rest is for requests

  // [gil]; count: release after the record, acquire before reading it.
  std::atomic<std::uint32_t> compat_mark_count;
  std::uint32_t reserved_marks;
  std::uint64_t compat_calls_without_mark;  // no room for another
  CompatMark compat_marks[kCompatMarks];
};
static_assert(sizeof(Header) == kPageBytes);

inline constexpr std::size_t kHotOffset = kPageBytes;
inline constexpr std::size_t kOffGilOffset = kHotOffset + kOwnerSlots * sizeof(HotBank);
inline constexpr std::size_t kOwnerOffset = kOffGilOffset + kOwnerSlots * sizeof(OffGilBank);
inline constexpr std::size_t kEndpointOffset = kOwnerOffset + kOwnerSlots * sizeof(OwnerRecord);
inline constexpr std::size_t kStringOffset = kEndpointOffset + kEndpointSlots * sizeof(EndpointRecord);
inline constexpr std::size_t kRingOffset = kStringOffset + kStringHeapBytes;
inline constexpr std::size_t kPeakOffset = kRingOffset + kRingRecords * sizeof(RingRecord);
inline constexpr std::size_t kSampleOffset = kPeakOffset + 2 * sizeof(PeakRecord);
inline constexpr std::size_t kLifeOffset = kSampleOffset + sizeof(ProcessSample);
inline constexpr std::size_t kCohortOffset = kLifeOffset + kEndpointSlots * sizeof(LifeRecord);
inline constexpr std::size_t kFlowOffset = kCohortOffset + kCohortCells * sizeof(CohortCell);
inline constexpr std::size_t kPlaceOffset = kFlowOffset + kFlowCells * sizeof(FlowCell);
inline constexpr std::size_t kStackOffset = kPlaceOffset + kPlaces * sizeof(PlaceRecord);
inline constexpr std::size_t kSiteOffset = kStackOffset + kStacks * sizeof(StackRecord);
inline constexpr std::size_t kPlaceStringOffset = kSiteOffset + kSites * sizeof(SiteRecord);
inline constexpr std::size_t kPoolOffset = kPlaceStringOffset + kPlaceStringBytes;
inline constexpr std::size_t kLedgerBytes = kPoolOffset + kPools * sizeof(ConnectionPoolRecord);
static_assert(kHotOffset == 0x1000 && kRingOffset == 0x2B1000 && kSampleOffset == 0x333000);
static_assert(kLedgerBytes % kPageBytes == 0 && kLedgerBytes <= std::size_t{4} << 20);

// The whole file as one object: what the writer maps over its own static memory.
struct alignas(4096) Ledger {
  Header header;
  HotBank hot[kOwnerSlots];
  OffGilBank off_gil[kOwnerSlots];
  OwnerRecord owners[kOwnerSlots];
  EndpointRecord endpoints[kEndpointSlots];
  char strings[kStringHeapBytes];
  RingRecord ring[kRingRecords];
  PeakRecord peaks[2];
  ProcessSample sample;
  LifeRecord lives[kEndpointSlots];
  CohortCell cohort_cells[kCohortCells];
  FlowCell flows[kFlowCells];
  PlaceRecord places[kPlaces];
  StackRecord stacks[kStacks];
  SiteRecord sites[kSites];
  char place_strings[kPlaceStringBytes];
  ConnectionPoolRecord pools[kPools];
};
static_assert(sizeof(Ledger) == kLedgerBytes);
static_assert(offsetof(Ledger, ring) == kRingOffset && offsetof(Ledger, sample) == kSampleOffset);
static_assert(offsetof(Ledger, lives) == kLifeOffset && offsetof(Ledger, sites) == kSiteOffset);

// Ids that never move.
inline constexpr std::uint16_t kOwnerNone = 0;     // foreign: allocated before we came
inline constexpr std::uint16_t kOwnerService = 1;  // outside of every request and import

inline constexpr std::uint32_t kEndpointUnknown = 0;  // no route known yet

}  // namespace heapledger::ledger
