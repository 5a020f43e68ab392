// Which lines allocate: a Poisson sample of allocated bytes, each sampled block with the Python stack that made it.
//
// A countdown of bytes is drawn from an exponential law of mean m; the allocation that takes it below zero is sampled
// and the countdown drawn anew. A block of s bytes is so sampled with probability p = 1 - exp(-s / m), whatever was
// sampled before, and stands for s / p bytes and 1 / p blocks: sums of these are unbiased (Horvitz-Thompson).
// m is kMeanBytes, less for endpoints whose survivors grow (retune()).
//
//   alive, its request open ---> survivor -------> free slot     freed
//        |                          (request over)
//        +--> ghost: freed, but live at its request's highest moment; kept until the request is over
//
// What a request held at its peak: before a sampled block goes, and at the end, the set of its live samples is taken
// as the peak's if the peak has grown since the set was last taken (by 1/64: what came in between is small); of these,
// only the ones that the peak has grown under: a block that came when the highest moment was over was not there.
//
// Threads: Hold excludes others by trying for a bounded time, never by waiting; who cannot get it loses a new sample,
// or leaves the freed block's address in a list for the next holder. Reads before that (may_be_sampled) are relaxed.
// No heap; the tables are the engine's static memory, touched as they fill. Fork: reset_sampler() in the child.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/ids.h"
#include "engine/export.h"
#include "ledger/layout.h"

namespace heapledger::engine {

struct Engine;
using base::EndpointId;
using base::OwnerId;

struct BlockSample {
  std::uint64_t address;  // 0: a ghost, or a free slot
  std::uint32_t next_in_bucket;
  std::uint32_t next_of_owner;
  std::uint32_t site;  // index in ledger.sites, kNoSite: not known yet
  std::uint16_t owner;
  std::uint16_t stack;
  std::uint8_t at_peak;
  std::uint8_t survivor;
  float bytes;  // stands for so many
  float blocks;
  std::uint64_t born_below_bytes;  // its owner's peak until then, which it was not there for; 0: it made the peak
};

struct Sampler {
  static constexpr std::uint32_t kSamples = 32768;
  static constexpr std::uint32_t kBuckets = 16384;
  static constexpr std::uint32_t kFilterCells = 65536;
  static constexpr std::uint32_t kMissed = 256;
  static constexpr std::uint32_t kIndexSlots = 8192;  // twice the places: probes stay short

  std::uint64_t room_bytes;  // [gil] until the next sample
  double mean_bytes;         // [gil] that room_bytes was drawn for
  std::uint64_t random;
  std::uint32_t zoomed_endpoints;                         // [gil]
  std::uint32_t zoom_mean_bytes[ledger::kEndpointSlots];  // [gil] 0: the usual one
  std::int64_t retained_before[ledger::kEndpointSlots];   // [gil] at the last look
  std::uint8_t grown_looks[ledger::kEndpointSlots];       // [gil] in a row
  std::uint32_t zoomed_samples[ledger::kEndpointSlots];   // [gil] taken at its finer mean

  std::atomic<bool> held;
  std::atomic<std::uint32_t> missed_count;
  std::atomic<std::uint64_t> missed[kMissed];      // freed while another thread held the sampler
  std::atomic<std::uint8_t> filter[kFilterCells];  // how many samples hash there; 255: for ever

  // Under Hold.
  std::uint32_t used_samples;
  std::uint32_t free_sample;  // list by next_of_owner, 0 ends it; slot 0 is never used
  std::uint32_t buckets[kBuckets];
  std::uint32_t first_of_owner[ledger::kOwnerSlots];
  std::uint64_t peak_taken_bytes[ledger::kOwnerSlots];
  BlockSample samples[kSamples];
  std::uint16_t site_index[kIndexSlots / 2];  // value + 1; open addressing
  std::uint16_t stack_index[kIndexSlots / 2];
  std::uint16_t place_index[kIndexSlots];
  std::uint64_t place_hashes[ledger::kPlaces];
};

inline constexpr double kMeanBytes = 256.0 * 1024;

class Hold {
 public:
  HL_EXPORT explicit Hold(Engine& e) noexcept;
  HL_EXPORT ~Hold();
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  explicit operator bool() const noexcept { return held_; }

 private:
  Engine& engine_;
  bool held_;
};

HL_EXPORT void start_sampler(Engine& e) noexcept;
void reset_sampler(Engine& e) noexcept;

// The countdown after a sample; `mean_bytes` in, the next room out. Any thread.
HL_EXPORT std::uint64_t draw_room(Engine& e, double mean_bytes) noexcept;

// True when these bytes take the countdown below zero: then it has to be drawn anew. Two instructions.
inline bool count_down(std::uint64_t& room_bytes, std::size_t bytes) noexcept {
  return __builtin_sub_overflow(room_bytes, std::uint64_t{bytes}, &room_bytes);
}

// Does this owner's memory want a stack? Requests do.
HL_EXPORT bool wants_stack(const Engine& e, std::uint16_t owner) noexcept;

// Under a Hold. Ids from 1 on; 0: unknown, or no room.
HL_EXPORT std::uint16_t find_place(const Engine& e, std::uint64_t hash) noexcept;
HL_EXPORT std::uint16_t add_place(Engine& e, std::uint64_t hash, const char* function, std::size_t function_bytes,
                                  const char* file, std::size_t file_bytes, std::uint32_t line) noexcept;
HL_EXPORT std::uint16_t find_stack(const Engine& e, std::uint64_t hash) noexcept;
HL_EXPORT std::uint16_t add_stack(Engine& e, std::uint64_t hash, const std::uint16_t* places, std::size_t depth,
                                  bool truncated) noexcept;

// A block of this owner, sampled at `mean_bytes`, made through this stack. False: no room, it is not sampled.
HL_EXPORT bool add_sample(Engine& e, std::uintptr_t address, std::size_t bytes, std::uint16_t owner,
                          std::uint16_t stack, double mean_bytes) noexcept;

inline std::size_t filter_cell(std::uintptr_t address) noexcept {
  return static_cast<std::size_t>((std::uint64_t{address} * 0x9E3779B97F4A7C15ULL) >> 48);
}
inline bool may_be_sampled(const Sampler& sampler, std::uintptr_t address) noexcept {
  return sampler.filter[filter_cell(address)].load(std::memory_order_relaxed) != 0;
}
// The block at `address` is about to be freed. Any thread.
HL_EXPORT HL_NOINLINE void drop_sample(Engine& e, std::uintptr_t address) noexcept;

// The request is over: what it held at its peak is counted, what it still holds are survivors. Under the GIL.
void settle_samples(Engine& e, OwnerId owner) noexcept;

// Under the GIL. After the running owner, or its endpoint, has changed: sample at the mean that it wants.
HL_EXPORT HL_NOINLINE void retune(Engine& e, std::uint16_t owner) noexcept;
inline bool samples_unusually(const Sampler& sampler) noexcept {
  return sampler.zoomed_endpoints != 0 || sampler.mean_bytes != kMeanBytes;
}
// After a request: endpoints whose survivors grow and grow are sampled more finely, those that have stopped no more.
void look_for_growth(Engine& e, OwnerId owner) noexcept;

}  // namespace heapledger::engine
